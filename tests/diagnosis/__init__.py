"""Checks, each made to fail."""
