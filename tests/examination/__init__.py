"""What the doctor looks at, with real parts made to fail."""
