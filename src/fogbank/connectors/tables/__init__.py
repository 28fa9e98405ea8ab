"""Collections of documents of all clouds, behind one face: to look at, to write to, to copy from one to another."""
