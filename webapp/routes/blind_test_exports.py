"""A blind test with all answers, as a JSON file and as a table, for those who may use the studio."""

from __future__ import annotations

import json

from fastapi import FastAPI, HTTPException
from starlette.responses import Response

from separation.comparing.answers_file import exported, table
from separation.comparing.blind_test import BlindTest, Listener
from webapp.state.blind_tests import BlindTests


def add_blind_test_export_routes(app: FastAPI, tests: BlindTests) -> None:
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

    def found(test_id: str) -> tuple[BlindTest, list[Listener]]:
        test = tests.get(test_id)
        if test is None:
            raise HTTPException(404, "There is no such listening test.")
        return test, tests.listeners(test)


def _file(text: str, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text.encode(), media_type=media_type, headers=headers)
