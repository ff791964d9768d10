"""The HTTP server of our own container image: raw ASGI on uvicorn, a worker process a core."""
