"""AWS Lambda's invocations: answered with a whole reply, or with one in parts."""
