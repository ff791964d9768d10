"""What answers behind a method.

A Lambda function, a SageMaker endpoint, or nothing but the mapping itself.
"""
