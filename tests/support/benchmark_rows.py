"""Rows of a benchmark that was never run, for charts and reports."""

from __future__ import annotations

import math

from separation import solvers
from separation.benchmark.table import Figures, SettingRow
from separation.request import Prompt, Request, SolverSettings


def row(
    separator: str,
    words: str,
    *,
    setting: str = "",
    solver: SolverSettings | None = None,
    figures: tuple[Figures, ...] = (),
    spread: float = 0.0,
    is_busy: bool = False,
    n_songs: int | None = None,
    **values: float,
) -> SettingRow:
    """A row with these values; its passages are done unless `n_songs` says otherwise."""
    return SettingRow(
        setting=setting or f"{separator}/{words}",
        request=Request(prompts=(Prompt(text="vocals"),), solver=solver or SolverSettings()),
        separator=separator,
        words=words,
        values=values,
        spread=spread,
        figures=figures,
        is_busy=is_busy,
        n_songs=len(figures) if n_songs is None else n_songs,
    )


def separator_rows() -> list[SettingRow]:
    """The separators of a usual benchmark, several of them close together."""
    return [
        row("Built-in", "", rtf=0.03, si_sdr_db=7.2, peak_bytes=0.6e9),
        row("Demucs htdemucs", "", rtf=0.12, si_sdr_db=9.1, peak_bytes=2.1e9, spread=0.3),
        row("Demucs htdemucs_ft", "shifts 1", rtf=0.35, si_sdr_db=10.4, peak_bytes=2.6e9),
        row("SAM-Audio small", "method euler, steps 8", rtf=0.16, si_sdr_db=10.1, peak_bytes=1.9e9),
        row("SAM-Audio small", "method ab2, steps 16", rtf=0.2, si_sdr_db=11.4, peak_bytes=1.9e9, is_busy=True),
        row("SAM-Audio base", "method ab2, steps 16", rtf=0.29, si_sdr_db=12.1, peak_bytes=3.1e9),
        row("SAM-Audio base", "method midpoint, steps 32", rtf=0.6, si_sdr_db=12.15, peak_bytes=3.1e9),
        row("SAM-Audio large", "method ab2, steps 16", rtf=0.62, si_sdr_db=12.7, peak_bytes=6.9e9, spread=0.1),
        row("SAM-Audio large", "method midpoint, steps 16", rtf=0.97, si_sdr_db=12.72, peak_bytes=6.9e9),
        row("SAM-Audio large", "method midpoint, steps 32", rtf=1.9, si_sdr_db=12.7, peak_bytes=6.9e9),
    ]


def solver_rows(separator: str = "SAM-Audio tiny", floor_db: float = -200.0) -> list[SettingRow]:
    """Each solver with 2 to 32 steps, its error as its order says."""
    rows = []
    for method, solver in solvers.SOLVERS.items():
        for n_steps in (2, 4, 8, 16, 32):
            error_db = -20 * solver.order * math.log10(n_steps) - 6
            error_db = 10 * math.log10(10 ** (error_db / 10) + 10 ** (floor_db / 10))
            evaluations = solvers.nfe(method, n_steps)
            rows.append(
                row(
                    separator,
                    f"method {method}, steps {n_steps}",
                    solver=SolverSettings(method=method, n_steps=n_steps),
                    nfe=evaluations,
                    rtf=evaluations / 100,
                    error_db=error_db,
                    si_sdr_db=12 - 10 ** (error_db / 20) * 10,
                    peak_bytes=2e9,
                )
            )
    return rows
