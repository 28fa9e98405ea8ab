"""What is seen of requests to AWS."""
