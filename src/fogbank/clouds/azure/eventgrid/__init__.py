"""Azure Event Grid over the messaging engine: topics, domains, namespaces, event subscriptions."""
