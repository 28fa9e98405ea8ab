"""Azure Resource Manager: the management API."""
