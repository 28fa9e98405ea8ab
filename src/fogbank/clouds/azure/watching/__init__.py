"""What is seen of requests to Azure."""
