"""Floor 1: what happens to a session is decided here, and nothing else happens here.

Standard library only, and of it no asyncio, socket, time, logging, random or json. Time, chance and
identifiers are arguments.
"""
