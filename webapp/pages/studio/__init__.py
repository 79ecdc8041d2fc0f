"""The Studio: from a file to its stems."""
