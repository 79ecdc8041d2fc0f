"""The Hugging Face cache: downloads, and the token."""
