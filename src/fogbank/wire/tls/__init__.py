"""TLS: a local certificate authority, certificates by the names that clients ask for, and tunnels to them."""
