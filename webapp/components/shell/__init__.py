"""The frame every page stands in: rail, header, main, side panel, foot."""
