"""The library as pages list it, for one visitor."""
