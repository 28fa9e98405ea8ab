"""Azure Table Storage over the documents engine."""
