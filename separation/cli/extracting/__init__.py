"""`audio-playground extract`: its subcommands, what they have in common, and how they report."""
