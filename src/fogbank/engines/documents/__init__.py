"""Documents: collections of typed values under ordered keys, with conditional writes, queries and scans."""
