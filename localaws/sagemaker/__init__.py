"""SageMaker hosting: models, endpoint configurations, and endpoints that are processes on this machine."""
