"""Reads the published weights without executing any code in them."""
