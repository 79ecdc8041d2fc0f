"""The separation pipeline: from a mixture and a request to events that carry the stems."""
