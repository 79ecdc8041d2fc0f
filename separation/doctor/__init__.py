"""Diagnosis of this computer: a self-test of each backend, and the installed versions."""
