"""All routes of the studio, and who may use each: a new one is the host's alone until it is written down here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import nicegui
import pytest
from nicegui import app
from starlette.routing import BaseRoute, Mount

from tests.support.simulated import simulated_studio
from webapp.access.roles import Right
from webapp.access.routes import Asks, Need, need_of

NICEGUI = f"/_nicegui/{nicegui.__version__}"
SOUND = "/media/{key}"
NEEDS: dict[Need, set[str]] = {
    Asks.NOTHING: {
        "GET /healthz",
        "GET /login",
        "POST /login",
        "GET /join/{secret}",
        "POST /join/{secret}",
        # A listening test asks for its own key.
        "GET /listen/{test_id}",
        "GET /listen/{test_id}/about",
        "GET /listen/{test_id}/sound/{address}",
        "GET /listen/{test_id}/state",
        "GET /listen/{version}/files/{name}",
        "POST /listen/{test_id}/answer",
        "POST /listen/{test_id}/join",
        "POST /listen/{test_id}/trial",
        # NiceGUI's own files are the same for everybody who installs this release.
        f"GET {NICEGUI}/components/{{key:path}}",
        f"GET {NICEGUI}/esm/{{key}}/{{path:path}}",
        f"GET {NICEGUI}/libraries/{{key:path}}",
        f"GET {NICEGUI}/static/",
    },
    Asks.SESSION: {
        "POST /logout",
        "GET /",
        "GET /compare",
        "GET /library",
        "GET /settings",
        "GET /favicon.ico",
        "GET /static/",
        "GET /_nicegui_ws/",  # each message of a socket is checked when it arrives
        f"GET {NICEGUI}/dynamic_resources/{{name}}",
        f"GET {NICEGUI}/resources/{{key}}/{{path:path}}",
        # Each of these asks whose the sound is.
        f"GET {SOUND}/all.zip",
        "GET /media/all.zip",
        f"GET {SOUND}/mix",
        f"GET {SOUND}/report.yaml",
        f"GET {SOUND}/{{track}}/file",
        f"GET {SOUND}/{{track}}/pcm",
        f"GET {SOUND}/{{track}}/peaks",
        f"GET {SOUND}/{{track}}/spectrogram/{{level}}/{{index}}",
    },
    Right.LISTEN: {"GET /benchmark", "GET /benchmark/{id}", "GET /benchmarks/{id}/{file}", "GET /models"},
    Right.UPLOAD: {"PUT /api/uploads", "POST /api/demo"},
    Asks.HOST: {
        "GET /tests/{test_id}/answers.csv",
        "GET /tests/{test_id}/test.json",
        "GET /tests/{test_id}/webmushra.zip",
    },
}


def walk(routes: Iterable[BaseRoute], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield the method and path of all that is answered; a mounted application counts by the path it is below."""
    for route in routes:
        path = before + getattr(route, "path", "")
        if (included := getattr(route, "original_router", None)) is not None:  # of FastAPI
            yield from walk(included.routes, path)
        elif isinstance(route, Mount):
            yield "GET", f"{path}/"
        else:
            yield from ((method, path) for method in (getattr(route, "methods", None) or {"GET"}) - {"HEAD"})


async def test_each_route_asks_for_what_was_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[Need, set[str]] = {need: set() for need in NEEDS}
    async with simulated_studio(tmp_path / "home", monkeypatch, passcode="four calling birds") as page:
        await page.open("/")  # which adds our own files
        for method, path in walk(app.routes):
            shown = "/static/" if path.startswith("/static/") else path  # one by one or as a folder
            found.setdefault(need_of(method, path), set()).add(f"{method} {shown}")
    for need in Asks, Right:
        for one in need:
            assert found.get(one, set()) == NEEDS.get(one, set()), one
