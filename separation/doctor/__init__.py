"""Whether the separators work on this computer: self-test and versions."""
