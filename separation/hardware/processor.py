"""The processor of this computer."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
UNITS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16", "i8mm")  # of x86 and of ARM


@cache  # pages ask at every change of a setting
def processor(cpu_info: Path = CPU_INFO) -> str:
    """Return the processor's name as its maker has it, or what Python knows of it."""
    try:
        lines = cpu_info.read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def features(cpu_info: Path = CPU_INFO) -> tuple[str, ...]:
    """Return what the processor has of the units that matrices are multiplied by, as Linux names them; () elsewhere."""
    try:
        words = set(cpu_info.read_text().split())
    except OSError:
        return ()
    return tuple(name for name in UNITS if name in words)
