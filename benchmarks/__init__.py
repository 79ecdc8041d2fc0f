"""Measurements that take longer than a test and print numbers instead of verdicts."""
