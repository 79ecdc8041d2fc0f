"""Settings as plain controls in groups, drawn from a description of them."""
