"""AWS Lambda's function URLs: their settings, and the HTTP requests that come to them."""
