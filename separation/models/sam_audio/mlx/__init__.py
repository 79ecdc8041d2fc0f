"""The SAM-Audio network on MLX."""
