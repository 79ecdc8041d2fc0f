"""The A/B switch."""
