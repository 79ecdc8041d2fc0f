"""What is known before a run: estimates.py its time and memory, fallbacks.py smaller settings, layout.py its chunks.

Estimates rest on past.py, which reads what finished runs took, and fit.py, which tells fixed costs from rates.
"""
