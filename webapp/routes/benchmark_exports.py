"""A benchmark as files: a page that opens anywhere, a spreadsheet, a table to paste, and everything."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from separation.benchmark.report import FILES
from webapp.state.benchmarks import Benchmarks

KINDS: Mapping[str, str] = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
}


def add_benchmark_export_routes(app: FastAPI, benchmarks: Benchmarks) -> None:
    """Register the routes; they stand behind the guard."""

    @app.get("/benchmarks/{id}/{file}")
    async def export(id: str, file: str) -> Response:
        benchmark = benchmarks.get(id)
        if benchmark is None or file not in FILES:
            raise HTTPException(404, "There is no such benchmark, or no such file of it.")
        text = await run_in_threadpool(FILES[file], benchmark, benchmarks.outcomes(id))
        stem, _, kind = file.rpartition(".")
        name = f"{stem if stem != 'index' else 'benchmark'}-{benchmark.id}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(text.encode(), media_type=KINDS[kind], headers=headers)
