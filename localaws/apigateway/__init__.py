"""API Gateway's data plane for REST APIs: what happens to a request between a client and a function or
service.

The emulator keeps the control plane; this package answers requests from the deployment that a stage names.
"""
