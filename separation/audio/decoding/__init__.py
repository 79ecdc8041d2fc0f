"""The decoders: one interface, two libraries, and what is done where one of them stops before a file's end."""
