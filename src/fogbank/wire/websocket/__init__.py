"""WebSocket (RFC 6455) on connections that began in HTTP/1.1: handshakes, and sockets for services to talk through."""
