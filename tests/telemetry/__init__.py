"""What the log says, and what it never says."""
