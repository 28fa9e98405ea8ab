"""Shapes on a globe or in a plane, as GeoJSON (RFC 7946) writes them: whether they are valid, and how they lie."""
