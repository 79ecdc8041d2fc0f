"""Reports of a benchmark: what they say, and one file for each format."""
