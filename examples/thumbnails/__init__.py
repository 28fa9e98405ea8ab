"""Image resizing on AWS Lambda: a function behind a URL, with its imaging library in a layer."""
