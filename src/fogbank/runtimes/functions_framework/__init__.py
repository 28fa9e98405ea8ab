"""Google's functions-framework as a contract: HTTP requests in, HTTP answers out."""
