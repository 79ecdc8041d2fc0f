"""Statistics of listening tests: ABX, preference, ratings, several listeners, and what may be said of them."""
