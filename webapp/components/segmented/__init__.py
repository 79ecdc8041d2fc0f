"""The segmented control."""
