"""Documents on their way between services: values that any of them may have, their notation, what fits where, keys."""
