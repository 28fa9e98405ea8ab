"""AWS Lambda's asynchronous invocations: how they are handled, and the records of their outcomes."""
