"""AWS Lambda's contract: the Runtime API, which AWS's own runtime clients speak."""
