"""Google Cloud: its services over gRPC and REST, mapped onto the engines."""
