"""Where the tiny SAM-Audio checkpoint lies; no framework is imported to know it."""

from __future__ import annotations

from pathlib import Path

CHECKPOINT = Path(__file__).parents[1] / "golden" / "checkpoint"
