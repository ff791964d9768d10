"""What runs in AWS Lambda, on what AWS's own Python runtime has: CDK puts the files into templates."""
