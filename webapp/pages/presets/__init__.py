"""The person's own presets, as pages show and keep them."""
