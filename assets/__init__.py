"""The demo recording and the program that synthesises it."""
