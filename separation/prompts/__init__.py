"""What words and spans mean in the stems of a separator."""
