"""What is done by the clock and asked for by nobody."""
