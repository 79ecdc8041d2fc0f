"""Draws the charts of a benchmark: places of labels, axes, one file for each kind of chart."""
