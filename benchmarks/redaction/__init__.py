"""How much of what should be taken out is found, and how much else: `python -m benchmarks.redaction`."""
