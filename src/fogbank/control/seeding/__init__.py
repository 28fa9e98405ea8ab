"""What `fogbank.toml` says is to be there when the server has started."""
