"""Running Node.js, under any contract."""
