"""What CloudFront asks of Lambda@Edge functions, and how it takes their answers."""
