"""Who may see the pages: the guard, the passcode, sessions, signing in."""
