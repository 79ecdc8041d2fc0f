"""The smallest app worth guarding: a page with a button, a media route, an upload route, NiceGUI's own upload box.

What can fail fails in two more pages. It logs as the studio does.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fastapi import Request, Response
from nicegui import app, ui

from separation.doctor import logs
from webapp.access.guard import install
from webapp.access.handlers import asks
from webapp.access.host_token import HostToken, kept_secret
from webapp.access.passcode import Passcode
from webapp.access.roles import Right
from webapp.access.rules import access_rules
from webapp.access.sharing import Sharing

TONE = bytes(range(256))


def main() -> None:
    """Serve it at the address given on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--passcode")
    parser.add_argument("--home", type=Path, required=True)
    options = parser.parse_args()
    clicks: list[str] = []
    logs.to_terminal("warning")
    sharing, token = Sharing(), None
    if options.passcode:
        sharing.set_passcode(Passcode.of(options.passcode))
        token = HostToken(kept_secret(options.home, "host_token"))

    @ui.page("/")
    def page() -> None:
        asks(ui.button("Count", on_click=lambda: clicks.append("click")), Right.RUN)
        ui.button("Of the host", on_click=lambda: clicks.append("host"))
        ui.upload()

    @ui.page("/no-page")
    def no_page() -> None:
        raise ZeroDivisionError("while it is built")

    @ui.page("/bad-button")
    def bad_button() -> None:
        ui.button("Fail", on_click=lambda: 1 // 0)

    @app.get("/media/clicks")
    def count() -> int:
        return len(clicks)

    @app.get("/media/rights/{rights}")
    def grant(rights: str) -> None:
        sharing.grant(Right(right) for right in rights.split("+") if right != "none")

    @app.get("/media/tone")
    def media() -> Response:
        return Response(TONE, media_type="audio/wav")

    @app.put("/api/uploads")
    async def upload(request: Request) -> int:
        return len(await request.body())

    install(app, access_rules(options.host, sharing, port=options.port, token=token))
    ui.run(
        host=options.host,
        port=options.port,
        reload=False,
        show=False,
        reconnect_timeout=60,  # pings every 48 s: what ends sooner than that was ended by us
        storage_secret=kept_secret(options.home, "storage_secret"),
        log_config=None,
        timeout_graceful_shutdown=1,  # an abandoned polling request would hold the server up
    )


if __name__ == "__main__":
    main()
