"""Amazon SNS's operations on text messages: attributes, numbers that want none, numbers of the sandbox."""
