"""gRPC on HTTP/2: framing, metadata, status, calls, and the services that gRPC itself has."""
