"""Tests against a server that they start themselves, with several frameworks."""
