"""The project's own figures, measured on the machine at hand: what a relayed message costs.

What lives here: an echoing upstream, bare relays to stand beside, a load that checks every byte, the rounds,
the statistics and their drawing. Candidates run as processes of their own; the gateway is started by its
command, as a person starts it.
What never will: anything that the gateway imports.
"""
