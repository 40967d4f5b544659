"""Where each microsecond of a message goes: `python -m benchmarks.budget`.

What lives here: looking at the gateway, at a bare relay and at nginx under the bench's load, what belongs to
which layer, the picture and the page of the reference.
What never will: a verdict; `holdfast bench` and `make instructions` have those.
"""
