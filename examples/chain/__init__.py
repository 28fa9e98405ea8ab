"""One microservice starts the next: a function that takes orders, and one that writes invoices."""
