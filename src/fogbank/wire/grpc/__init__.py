"""gRPC over ASGI: framing, metadata, status, calls, and the services that gRPC itself has."""
