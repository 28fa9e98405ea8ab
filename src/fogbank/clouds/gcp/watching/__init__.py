"""What is seen of requests to Google."""
