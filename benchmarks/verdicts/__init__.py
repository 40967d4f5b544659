"""How often the verdict is right: each fault provoked many times, the truth beside what was said."""
