"""Runs separation work in this process or on Dask workers."""
