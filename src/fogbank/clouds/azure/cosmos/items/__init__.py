"""Items: their keys, how they are written and read, one by one and together."""
