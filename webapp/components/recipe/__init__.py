"""Copying the settings as a recipe, and pasting one."""
