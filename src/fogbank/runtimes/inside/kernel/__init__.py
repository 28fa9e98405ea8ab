"""The kernel's calls that a sandbox is built with, and those that it refuses."""
