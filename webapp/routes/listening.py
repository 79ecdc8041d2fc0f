"""The routes of the listening room: plain HTTP for guests, each of which asks for its own test's key or token.

The guard lets them through without a session (`webapp.access.guard`); whoever has a link may take that test, and gets
nothing else. No answer tells two sounds of a trial apart: same length, same headers, random addresses.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from separation.comparing.blind_test import BlindTest, Kind, Listener
from separation.comparing.finding import own_finding
from separation.comparing.trials import LOW_ANCHOR, MID_ANCHOR, Answer, Said
from separation.errors import SettingsError
from webapp.state.blind_tests import LONGEST_NAME, BlindTests

ANCHORS = (MID_ANCHOR, LOW_ANCHOR)
NO_STORE = {"Cache-Control": "no-store"}
Bearer = Annotated[str, Header(alias="authorization", max_length=200)]


class Joining(BaseModel):
    """What a guest says of themselves."""

    name: str = Field(default="", max_length=4 * LONGEST_NAME)
    checks: dict[Annotated[str, Field(max_length=LONGEST_NAME)], bool] = Field(default_factory=dict, max_length=8)


class Answering(BaseModel):
    """An answer to a trial, which is counted from 0: what was said, or the scores of the sounds from A on."""

    index: int = Field(ge=0, le=1_000)
    said: Said | None = None
    scores: list[int] | None = Field(default=None, max_length=16)

    @property
    def answer(self) -> Answer:
        """The answer.

        Raises:
            SettingsError: there is none.
        """
        if self.said is None and self.scores is None:
            raise SettingsError("There is no answer.", "", "Answer the trial.")
        return self.said if self.said is not None else tuple(self.scores or ())


def add_listening_routes(app: FastAPI, tests: BlindTests) -> None:
    """Register the routes; errors are JSON of what, why and what to do, as everywhere."""

    @app.get("/listen/{test_id}/about")
    def about(test_id: str, authorization: Bearer = "") -> Response:
        test = tests.opened(test_id, _token(authorization))
        return _json(
            {
                "title": test.title,
                "kind": test.kind,
                "n_trials": test.n_trials,
                "n_sounds": len(test.sides) + (len(ANCHORS) if test.kind is Kind.RATING else 0),
                "guided": test.guided,
                "closed": bool(test.closed),
            }
        )

    @app.post("/listen/{test_id}/join")
    async def join(test_id: str, joining: Joining, authorization: Bearer = "") -> Response:
        test = await run_in_threadpool(tests.opened, test_id, _token(authorization))
        listener = await run_in_threadpool(tests.join, test, joining.name, joining.checks)
        return _json({"token": listener.id, **_state(test, listener)})

    @app.get("/listen/{test_id}/state")
    def state(test_id: str, authorization: Bearer = "") -> Response:
        return _json(_state(*tests.listener(test_id, _token(authorization))))

    @app.post("/listen/{test_id}/trial")
    async def trial(test_id: str, authorization: Bearer = "") -> Response:
        test, listener = await run_in_threadpool(tests.listener, test_id, _token(authorization))
        prepared = await run_in_threadpool(tests.prepare, test, listener)
        return _json({"index": prepared.index, "sounds": prepared.addresses})

    @app.get("/listen/{test_id}/sound/{address}")
    def sound(test_id: str, address: str, authorization: Bearer = "") -> Response:
        data = tests.sound(*tests.listener(test_id, _token(authorization)), address)
        if data is None:
            raise HTTPException(404, "This sound is of another trial.")
        # NiceGUI would compress it, and how far a sound can be compressed tells which it is.
        return Response(data, media_type="audio/wav", headers={**NO_STORE, "Content-Encoding": "identity"})

    @app.post("/listen/{test_id}/answer")
    async def answer(test_id: str, answering: Answering, authorization: Bearer = "") -> Response:
        test, listener = await run_in_threadpool(tests.listener, test_id, _token(authorization))
        listener = await run_in_threadpool(tests.answer, test, listener, answering.index, answering.answer)
        return _json(_state(test, listener))


def _token(authorization: str) -> str:
    return authorization.removeprefix("Bearer ").strip()


def _state(test: BlindTest, listener: Listener) -> dict[str, Any]:
    """Return where a listener stands; what was right, and which sound was which, only at the end of everything."""
    trial = listener.next_trial
    return {
        "title": test.title,
        "kind": test.kind,
        "n_trials": test.n_trials,
        "n_answered": listener.n_answered,
        "index": len(listener.answers),
        "training": trial is not None and trial.is_training,
        "complete": listener.complete,
        "closed": bool(test.closed),
        "finding": own_finding(test, listener) if listener.complete else "",
        "back": compare_address(test) if listener.complete and not test.guided else "",
        "guided": test.guided,
    }


def compare_address(test: BlindTest) -> str:
    """Return the address of what a test compares; it names the sides, so it is for whoever made the test."""
    return f"/compare?{urlencode({'items': ','.join(side.source for side in test.sides), 'stem': test.stem})}"


def _json(values: dict[str, Any]) -> Response:
    return JSONResponse(values, headers=NO_STORE)
