"""The terminal: click commands, one file per group. Knows all three packages and holds no logic of its own."""
