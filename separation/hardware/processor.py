"""The processor of this computer."""

from __future__ import annotations

import platform
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")


def processor(cpu_info: Path = CPU_INFO) -> str:
    """Return the processor's name as its maker has it, or what Python knows of it."""
    try:
        lines = cpu_info.read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
