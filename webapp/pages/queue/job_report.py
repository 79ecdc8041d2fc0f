"""The report of a finished job: a few figures, and the whole report as a file to download."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from separation.formatted import duration, size, speed
from webapp.state.queue.jobs import Job
from webapp.theme import CostBox, tipped


def show_report(job: Job) -> None:
    """Draw the report; a job without a result draws nothing."""
    if not job.record.result:
        return
    report = {} if job.result is None else job.result.report
    if report:
        CostBox(rows_of(report, cached=job.cached)).props('aria-label="What it took"')
    link = ui.link("Report (YAML)", f"/media/{job.record.result}/report.yaml").classes("small")
    tipped(link.props("download"), "Time and memory of every step, settings, versions, quality")


def rows_of(report: Mapping[str, Any], *, cached: bool = False) -> dict[str, str]:
    """Return the values of a report by their labels, the most important first.

    Args:
        report: a report as `separation.results.report` makes it.
        cached: whether the result was kept already, so that the figures are those of the run that made it.
    """
    chunks = report.get("chunks", {})
    took = duration(report["total_s"]) + (" when it was made" if cached else "")
    rows = {"Took": took}
    if report.get("rtf"):
        rows["Speed"] = f"{speed(1 / report['rtf'])}, once loaded"
    if "peak_memory_mb" in report:
        rows["Peak memory"] = size(1e6 * report["peak_memory_mb"])
    if "device_memory_mb" in report:
        rows["Graphics memory"] = size(1e6 * report["device_memory_mb"])
    if chunks:
        kept = f", {chunks['from_store']} kept from an earlier run" if chunks["from_store"] else ""
        rows["Chunks"] = f"{chunks['computed']} computed{kept}"
    rows["Model evaluations"] = str(report.get("evaluations", 0))
    rows["By"] = f"{report['model']} on {report['device']}"
    if report.get("absent"):
        rows["Absent"] = " ".join(report["absent"])
    if report.get("quality"):
        rows["Quality, estimated"] = f"{report['quality']['value']:.2f} of 1"
    return rows
