"""The house's own rules, and what a distribution carries."""
