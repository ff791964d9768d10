"""Transform jobs: a model over whole files of S3, without an endpoint."""
