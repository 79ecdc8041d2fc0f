"""The controls of the settings panel."""
