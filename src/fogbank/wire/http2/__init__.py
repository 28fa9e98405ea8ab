"""HTTP/2, for gRPC and for whoever speaks it to the other interfaces."""
