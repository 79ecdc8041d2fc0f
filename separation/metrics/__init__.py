"""Measures of quality: against a reference, without one, and the null test."""
