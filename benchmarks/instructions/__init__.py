"""How many instructions a message costs, counted by callgrind: `python -m benchmarks.instructions`.

What lives here: a driver that carries messages through each face without a loop's chance, the counting of it,
the counts that hold (`bounds.json`) and how far one may drift.
What never will: time. A count is the same on a busy machine and on an idle one.
"""
