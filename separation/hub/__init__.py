"""The Hugging Face hub: its cache on this computer, downloads, and the token."""
