"""Small applications that run on Fogbank."""
