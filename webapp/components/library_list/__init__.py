"""The list of the library: recordings, their results below them, and the trash."""
