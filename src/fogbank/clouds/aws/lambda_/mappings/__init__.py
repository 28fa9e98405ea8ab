"""AWS Lambda's event source mappings: queues that trigger functions, and the events that these get."""
