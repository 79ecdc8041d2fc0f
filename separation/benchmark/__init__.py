"""Benchmarks: many settings on the same passages, timed with care, held against known stems or a reference setting."""
