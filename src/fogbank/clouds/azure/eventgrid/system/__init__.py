"""Events that resources emit by themselves, and system topics."""
