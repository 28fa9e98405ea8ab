"""Identity: principals, the policies they hold, the sessions that act for them. Kept, not evaluated."""
