"""Blind tests taken elsewhere: a test and its sounds for a webMUSHRA server, and the answers from there."""
