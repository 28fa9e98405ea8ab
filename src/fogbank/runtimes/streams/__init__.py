"""What is on its way between functions and whoever invoked them."""
