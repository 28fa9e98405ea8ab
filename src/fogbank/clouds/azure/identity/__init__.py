"""Microsoft Entra's tokens, and those of managed identities."""
