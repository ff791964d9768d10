"""The load balancer before the environments: one process, HTTP/1.1, as an Application Load Balancer behaves.

`balancer.py` is what the embedded AWS calls; the rest runs in the process that it starts. A request goes
listener -> front (the client's connection) -> exchange (the request) -> group -> target -> connection.
Standard library only.
"""
