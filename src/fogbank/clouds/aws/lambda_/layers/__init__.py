"""AWS Lambda's layers: published versions, who may use them, and functions that have them."""
