"""What outlives a page and is shared by pages."""
