"""The switch between the sides of a comparison."""
