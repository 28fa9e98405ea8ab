"""Archives of Amazon SNS's FIFO topics, and what subscriptions replay from them."""
