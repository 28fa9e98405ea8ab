"""A web API on Google Cloud functions: one HTTP function that routes by method and path."""
