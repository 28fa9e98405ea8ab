"""Pure interpreters from text to value; they import nothing of Fogbank but the kernel."""
