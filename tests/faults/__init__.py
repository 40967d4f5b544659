"""The fault table: each row provoked, and each said alike wherever it is said."""
