"""The doctor: a card that pages show."""
