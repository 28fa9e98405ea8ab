"""Protocols with no service in them: servers, codecs, signatures."""
