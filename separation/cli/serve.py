"""`audio-playground serve`: starts the studio in the browser."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from separation.cli.common import Common, TypedPath, common_options
from separation.cli.options import Connection, connection_options, model_folder_option


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; others need a passcode.")
@click.option(
    "--port", type=click.IntRange(1, 65535), show_default="8080, or the next that is free", help="Port to listen on."
)
@click.option("--passcode", help="What other people have to type; “auto” makes one up and prints it.")
@click.option("--open/--no-open", "open_browser", default=None, help="Open the browser; by default where there is one.")
@click.option("--cache-limit-gb", type=click.FloatRange(0.1), default=20.0, show_default=True)
@connection_options
@model_folder_option
@click.option("--tls-certificate", type=TypedPath(exists=True), help="Certificate file, for https.")
@click.option("--tls-key", type=TypedPath(exists=True), help="Its private key.")
@common_options
def serve(
    host: str,
    port: int | None,
    passcode: str | None,
    open_browser: bool | None,
    cache_limit_gb: float,
    connection: Connection,
    tls_certificate: Path | None,
    tls_key: Path | None,
    common: Common,
) -> None:
    """Open the studio. It listens on this computer only, unless told otherwise."""
    from separation.audio.interrupts import stops_left_to_server
    from separation.engine.tls import check_certificate
    from separation.errors import SettingsError
    from storage import data_folder
    from webapp.main import ServerSettings
    from webapp.main import serve as serve_studio

    stops_left_to_server()
    if (tls_certificate is None) != (tls_key is None):
        raise SettingsError("Half of a TLS pair was given.", "", "Give both --tls-certificate and --tls-key.")
    if tls_certificate is not None and tls_key is not None:
        check_certificate(tls_certificate, tls_key)
    try:
        serve_studio(
            ServerSettings(
                home=data_folder(),
                host=host,
                port=port,
                passcode=passcode,
                open_browser=_has_browser() if open_browser is None else open_browser,
                limit_bytes=int(cache_limit_gb * 10**9),
                scheduler=connection.scheduler,
                scheduler_tls=connection.tls(),
                certificate=(tls_certificate, tls_key) if tls_certificate and tls_key else None,
            )
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("The studio has stopped; jobs that were not finished are offered again.") from None


def _has_browser() -> bool:
    """Whether this session can show a browser: it has a terminal and a screen."""
    screen = sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return screen and sys.stdout.isatty()
