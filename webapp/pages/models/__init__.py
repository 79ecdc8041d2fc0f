"""The Models page: separators, weights, the hub account, the doctor."""
