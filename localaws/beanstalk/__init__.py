"""Elastic Beanstalk: applications, versions, environments that run, and the API in front of them."""
