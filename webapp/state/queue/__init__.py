"""The queue of separations: jobs, what can be heard of them, and who sees them."""
