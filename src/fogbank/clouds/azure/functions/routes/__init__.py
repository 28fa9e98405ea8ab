"""Routes of HTTP functions: templates, their constraints, which function a request is for."""
