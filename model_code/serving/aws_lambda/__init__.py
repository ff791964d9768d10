"""The function on AWS Lambda: API Gateway's events in, its answers out."""
