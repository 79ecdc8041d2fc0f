"""Mixes that are recalled by a press."""
