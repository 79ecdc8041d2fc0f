"""Recipes, presets, workflows and batches: requests and commands as files."""
