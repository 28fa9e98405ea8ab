"""Google's REST: the same methods that gRPC calls, by the HTTP rules of their descriptors."""
