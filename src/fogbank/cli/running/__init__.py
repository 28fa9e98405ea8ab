"""Programs that run against Fogbank: their environment, the proxy in front of them, whom they trust."""
