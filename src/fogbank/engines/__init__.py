"""One engine per capability, in neutral words, independent of each other."""
