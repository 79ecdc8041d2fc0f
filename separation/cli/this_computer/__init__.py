"""Commands about this computer: what works on it, and what is fastest."""
