"""Archives of topics, and what subscriptions replay from them."""
