"""`audio-playground serve`: starts the studio in the browser."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from separation.cli.common import USUAL_LIMIT, Common, TypedPath, common_options
from separation.cli.options import Connection, connection_options, model_folder_option

LOOPBACK = "127.0.0.1"
PASSCODE = "AUDIO_PLAYGROUND_PASSCODE"  # a variable of the environment


@click.command()
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on; others need a passcode.")
@click.option(
    "--port", type=click.IntRange(1, 65535), show_default="8080, or the next that is free", help="Port to listen on."
)
@click.option(
    "--share",
    is_flag=True,
    help="Listen on all addresses of this computer. Makes up a passcode for guests and prints it, if there is none.",
)
@click.option("--passcode", help="What guests have to type: “auto” makes one up and prints it, “ask” asks for it here.")
@click.option(
    "--passcode-file",
    type=TypedPath(exists=True, dir_okay=False),
    help=f"A file whose first line is the passcode; or set {PASSCODE}. It is kept, as a hash, for the next start.",
)
@click.option("--allow-host", multiple=True, help="A further name of this server, such as that of a proxy. Repeatable.")
@click.option(
    "--trust-proxy",
    multiple=True,
    help="An address or network of a proxy that says where visitors come from. Repeatable.",
)
@click.option("--no-token", is_flag=True, help="Ask for no key: whoever sits at this computer is the host.")
@click.option("--open/--no-open", "open_browser", default=None, help="Open the browser; by default where there is one.")
@click.option("--cache-limit-gb", type=click.FloatRange(0.1), show_default=USUAL_LIMIT)
@connection_options
@model_folder_option
@click.option("--tls-certificate", type=TypedPath(exists=True), help="Certificate file, for https.")
@click.option("--tls-key", type=TypedPath(exists=True), help="Its private key.")
@common_options
def serve(
    host: str,
    port: int | None,
    share: bool,
    passcode: str | None,
    passcode_file: Path | None,
    allow_host: tuple[str, ...],
    trust_proxy: tuple[str, ...],
    no_token: bool,
    open_browser: bool | None,
    cache_limit_gb: float | None,
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
                host="0.0.0.0" if share and host == LOOPBACK else host,  # noqa: S104  asked for
                port=port,
                passcode=_passcode(passcode, passcode_file),
                is_shared=share,
                asks_for_token=not no_token,
                names=allow_host,
                proxies=trust_proxy,
                open_browser=_has_browser() if open_browser is None else open_browser,
                limit_bytes=None if cache_limit_gb is None else int(cache_limit_gb * 10**9),
                scheduler=connection.scheduler,
                scheduler_tls=connection.tls(),
                certificate=(tls_certificate, tls_key) if tls_certificate and tls_key else None,
            )
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("The studio has stopped; jobs that were not finished are offered again.") from None


def _passcode(option: str | None, file: Path | None) -> str | None:
    """Return the passcode that was given, “auto” to have one made up, or None.

    Raises:
        SettingsError: it was given as a word of the command, or twice.
    """
    from separation.errors import SettingsError

    variable = os.environ.get(PASSCODE)
    if sum(way is not None for way in (option, file, variable)) > 1:
        raise SettingsError(
            "The passcode was given in several ways.", "", f"Leave --passcode, --passcode-file or {PASSCODE} out."
        )
    if file is not None:
        lines = file.read_text("utf-8").splitlines()
        return lines[0] if lines else ""
    if option == "ask":
        return str(click.prompt("Passcode for guests", hide_input=True, confirmation_prompt=True, err=True))
    if option is not None and option != "auto":
        raise SettingsError(
            "A passcode is not given as a word of the command.",
            "Every account of this computer can read the words with which its programs were started.",
            f"Give --passcode ask, --passcode-file, or set {PASSCODE}; --passcode auto has one made up.",
        )
    return variable if option is None else option


def _has_browser() -> bool:
    """Whether this session can show a browser: it has a terminal and a screen."""
    screen = sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return screen and sys.stdout.isatty()
