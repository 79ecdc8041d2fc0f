"""Small elements that pages share."""
