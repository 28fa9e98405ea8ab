"""AWS's protocols: codecs compiled for each operation from the service models, errors, signatures' shapes."""
