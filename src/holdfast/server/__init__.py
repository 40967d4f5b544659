"""One port: HTTP through uvicorn, audio sockets through picows, handed over on upgrade."""
