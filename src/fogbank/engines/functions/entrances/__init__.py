"""Names that the world reaches functions by: each is one function's, wherever that function is."""
