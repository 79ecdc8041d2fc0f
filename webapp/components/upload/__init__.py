"""Uploading audio: drop it anywhere on the page, browse for it, or paste it."""
