"""The clouds' dialects: names, shapes, limits and errors, mapped onto engines. No state."""
