"""Azure Functions: what an app is, how its functions are found, reached and set off."""
