"""A blind test with all answers, as a JSON file and as a table, for those who may use the studio."""

from __future__ import annotations

import json
from pathlib import Path

from fastapi import FastAPI, HTTPException
from starlette.responses import Response

from separation.comparing.answers_file import exported, table
from separation.comparing.blind_test import BlindTest, Listener
from separation.comparing.webmushra.bundle import write_bundle
from storage import ArtifactStore
from webapp.routes.made_file import MadeFile
from webapp.state.blind_tests import BlindTests

NO_STORE = {"Cache-Control": "no-store"}


def add_blind_test_export_routes(app: FastAPI, store: ArtifactStore, tests: BlindTests) -> None:
    """Register the routes; they stand behind the guard."""

    @app.get("/tests/{test_id}/test.json")
    def as_json(test_id: str) -> Response:
        test, listeners = found(test_id)
        text = json.dumps(exported(test, listeners), ensure_ascii=False, indent=2)
        return _file(text, "application/json", f"test-{test.id}.json")

    @app.get("/tests/{test_id}/answers.csv")
    def as_csv(test_id: str) -> Response:
        test, listeners = found(test_id)
        return _file(table(test, listeners), "text/csv; charset=utf-8", f"test-{test.id}.csv")

    @app.get("/tests/{test_id}/webmushra.zip")
    def for_webmushra(test_id: str) -> Response:
        test, _ = found(test_id)
        sounds = tests.sounds_of(test)

        def make(folder: Path) -> Path:
            write_bundle(test, sounds, folder / "bundle.zip")
            return folder / "bundle.zip"

        headers = {"Content-Disposition": f'attachment; filename="webmushra-{test.id}.zip"', **NO_STORE}
        return MadeFile(store, make, headers=lambda _: headers, media_type=lambda _: "application/zip")

    def found(test_id: str) -> tuple[BlindTest, list[Listener]]:
        test = tests.get(test_id)
        if test is None:
            raise HTTPException(404, "There is no such listening test.")
        return test, tests.listeners(test)


def _file(text: str, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', **NO_STORE}
    return Response(text.encode(), media_type=media_type, headers=headers)
