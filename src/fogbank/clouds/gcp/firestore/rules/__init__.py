"""Security rules: what web and mobile clients may do with a database."""
