"""The meaning of prompts: words as stems and targets, anchors as text, advice on phrasing."""
