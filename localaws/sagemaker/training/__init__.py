"""Training jobs: each a thread that fetches the data, runs one process a host, and stores what they made."""
