"""The project's own figures: each benchmark prints what it measured and can write it as JSON."""
