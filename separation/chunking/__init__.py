"""Cutting a long mixture into chunks for a model, and joining the estimates by crossfades."""
