"""The mark of tests that run MLX: on Linux its CPU build is an extra, elsewhere than on a Mac there is none."""

from __future__ import annotations

import importlib.util

import pytest

with_mlx = pytest.mark.skipif(
    importlib.util.find_spec("mlx") is None or importlib.util.find_spec("mlx_audio") is None,
    reason='MLX is not installed: pip install "audio-playground[mlx-cpu]"',
)
