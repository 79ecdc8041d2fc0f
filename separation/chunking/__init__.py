"""How a long mixture is cut for a model, and how the finished chunks are joined."""
