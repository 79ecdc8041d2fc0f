"""The foot of a page: play, time, loop, level."""
