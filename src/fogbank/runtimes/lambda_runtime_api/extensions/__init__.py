"""Lambda extensions: programs beside a function in its sandbox, and what they are told."""
