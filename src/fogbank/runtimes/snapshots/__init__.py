"""Instances that are forked from one that is initialised already."""
