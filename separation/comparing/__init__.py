"""Comparisons: what each side plays, how loud it is, how sides differ, and tests in which their names are hidden."""
