"""Several files at once: their list, and separating all of them alike."""
