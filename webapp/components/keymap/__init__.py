"""What the keys do, shown with “?”."""
