"""Known stems from folders of songs: how such folders are laid out, and their import as recordings with true stems."""
