"""The row of chunk cells."""
