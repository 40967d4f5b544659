"""What the doctor looks at: this installation, its upstreams, a running gateway, a past session.

What lives here: the questions of `diagnosis` put to what the settings name, and in which order.
What never will: printing (`cli.doctor`), what a question means (`diagnosis`).
"""
