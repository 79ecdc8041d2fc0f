"""The page of a listener: one small document whose modules ask the routes of `webapp.routes.listening`.

It is the same for every test and every listener; what is heard and answered comes over HTTP with the test's key, which
lies in the address behind “#” and so is never sent with a request for a page, nor written into a log.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import HTMLResponse, Response

from webapp.theme import SCHEME_COOKIE

FOLDER = Path(__file__).parent
COLORS = Path(__file__).parents[2] / "static" / "colors.css"  # guests may have these files and nothing of the studio
FILES = {file.name: file for file in (*sorted(FOLDER.iterdir()), COLORS) if file.suffix in (".js", ".css")}
SCHEMES = {"dark": "dark", "light": "light"}
TYPES = {".js": "text/javascript", ".css": "text/css"}


def add_listening_page(app: FastAPI) -> None:
    """Register the page and its files; the guard lets everybody have them."""

    @app.get("/listen/{test_id}")
    def page(test_id: str, request: Request) -> Response:
        scheme = SCHEMES.get(request.cookies.get(SCHEME_COOKIE, ""), "dark light")  # guests have none: their system's
        document = DOCUMENT.format(files=f"{_version()}/files", scheme=scheme)
        return HTMLResponse(document, headers={"Cache-Control": "no-store"})

    @app.get("/listen/{version}/files/{name}")
    def file(version: str, name: str) -> Response:
        if name not in FILES or version != _version():
            raise HTTPException(404, "There is no such file.")
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(FILES[name].read_bytes(), media_type=TYPES[FILES[name].suffix], headers=headers)


@cache
def _version() -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in FILES.values())).hexdigest()[:12]


# The addresses are relative, so that the page works behind a path of another server.
DOCUMENT = """<!doctype html>
<html lang="en" style="color-scheme: {scheme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>Listening test · Audio Playground</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{files}/colors.css">
<link rel="stylesheet" href="{files}/listen.css">
</head>
<body>
<main id="room" aria-live="off"><h1>Listening test</h1><p role="status">Loading…</p></main>
<noscript><p>This page needs JavaScript to play sounds.</p></noscript>
<script type="module" src="{files}/listen.js"></script>
</body>
</html>
"""
