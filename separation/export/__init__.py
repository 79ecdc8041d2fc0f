"""How sound is written for other programs: its level, and what is said of it."""
