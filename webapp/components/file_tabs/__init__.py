"""Files that were brought together, one tab each."""
