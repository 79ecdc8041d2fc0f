"""Requests and commands as files: recipes, presets, workflows, batches."""
