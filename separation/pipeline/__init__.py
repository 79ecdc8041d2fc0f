"""From a mixture and a request to events that carry the stems."""
