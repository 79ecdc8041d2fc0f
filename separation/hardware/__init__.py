"""Devices, memory, and what their failures mean."""
