"""What Azure Storage's services have in common: accounts, keys, signatures, how requests and errors look."""
