"""Everything the server answers that is not a page: sound, uploads, exports, spectrograms."""
