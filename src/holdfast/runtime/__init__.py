"""Runs sessions: a socket's callback steps the core and carries out its effects, at once."""
