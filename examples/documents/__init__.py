"""One user, kept as a document by three clouds."""
