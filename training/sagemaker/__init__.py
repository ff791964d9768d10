"""Training as a SageMaker job: what goes up, the request, following it, what comes back."""
