"""Microsoft Azure: Functions, and the management API of their apps, mapped onto engines. No state."""
