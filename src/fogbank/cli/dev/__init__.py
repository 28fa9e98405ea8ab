"""`fogbank functions dev`: a folder of functions, served as it is while it is worked on."""
