"""A switch between two results that play together."""
