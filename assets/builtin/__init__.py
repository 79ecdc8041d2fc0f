"""The built-in separator: weights, model card, and how they are made."""
