"""A served studio as the README has it: over https where there is a certificate, and opened in the person's browser."""

from __future__ import annotations

import http.client
import os
import ssl
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from distributed import Security

from tests.support.browser import wait_until
from tests.support.server import RunningServer, running_server


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """The files of a certificate and its key."""
    made = Security.temporary()
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_text(made.tls_worker_cert)
    key.write_text(made.tls_worker_key)
    return certificate, key


def test_with_a_certificate_it_is_served_over_https_and_not_without(pair: tuple[Path, Path]) -> None:
    certificate, key = pair
    trusted = ssl.create_default_context(cafile=str(certificate))
    trusted.check_hostname = False  # it names no host
    with running_server("--tls-certificate", str(certificate), "--tls-key", str(key)) as server:
        secure = http.client.HTTPSConnection("127.0.0.1", server.port, context=trusted)
        secure.request("GET", "/")
        assert secure.getresponse().status == 200
        wait_until(lambda: f"https://127.0.0.1:{server.port}" in server.log(), "its address")
        plain = http.client.HTTPConnection("127.0.0.1", server.port)
        plain.request("GET", "/")
        with pytest.raises((http.client.HTTPException, OSError)):
            plain.getresponse()


def has_worker(server: RunningServer) -> bool:
    """Whether the server has started a process that computes."""
    return any("spawn_main" in " ".join(child.cmdline()) for child in psutil.Process(server.process.pid).children())


@pytest.mark.skipif(sys.platform == "win32", reason="its browsers are not named by a variable")
@pytest.mark.parametrize("option", ["--open", "--no-open"])
def test_the_browser_is_opened_at_the_studio_if_that_is_wanted_and_a_worker_gets_ready(
    tmp_path: Path, option: str
) -> None:
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >>{opened}\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    with running_server(option, env={"BROWSER": f"{browser} %s"}) as server:
        wait_until(lambda: "Audio Playground is at" in server.log(), "its address")
        if option == "--open":
            wait_until(opened.exists, "the browser")
            wait_until(lambda: opened.read_text() == f"http://127.0.0.1:{server.port}\n", "its page")
            wait_until(lambda: has_worker(server), "a worker")
        assert has_worker(server) == (option == "--open")
    assert opened.exists() == (option == "--open")


@pytest.mark.skipif(sys.platform == "win32", reason="its browsers are not named by a variable")
def test_the_browser_is_started_with_a_private_page_that_leads_in_and_never_with_the_token(tmp_path: Path) -> None:
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >>{opened}\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    home = tmp_path / "home"
    with running_server("--open", env={"BROWSER": f"{browser} %s"}, home=home, asks_for_token=True) as server:
        wait_until(lambda: opened.exists() and opened.read_text().endswith("\n"), "the browser")
        token = (home / "host_token").read_text()
        page = Path(urlsplit(opened.read_text().strip()).path)
        assert token not in opened.read_text() and token not in " ".join(psutil.Process(server.process.pid).cmdline())
        assert stat.S_IMODE(page.stat().st_mode) == 0o600 and page.parent == home
        assert f"http://127.0.0.1:{server.port}/?token={token}" in page.read_text()
        assert f"Audio Playground is at http://127.0.0.1:{server.port}/?token={token}" in server.log()


@pytest.mark.long
def test_a_bookmark_and_an_open_page_go_on_after_a_restart(tmp_path: Path) -> None:
    html = {"Accept": "text/html"}
    with httpx.Client(timeout=60) as browser:
        with running_server(home=tmp_path / "home", asks_for_token=True) as server:
            token = (server.home / "host_token").read_text()
            browser.get(f"{server.url}/?token={token}", headers=html).raise_for_status()
            assert browser.get(f"{server.url}/library", headers=html).status_code == 200
            server.kill()
        with running_server(home=server.home, port=server.port, asks_for_token=True):
            assert browser.get(f"{server.url}/library", headers=html).status_code == 200
            assert browser.get(f"{server.url}/?token={token}", headers=html).status_code == 200
            assert httpx.get(f"{server.url}/library", headers=html).status_code == 303


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        (["--passcode", "correct horse"], {}, "is not given as a word of the command"),
        (["--passcode", "auto"], {"AUDIO_PLAYGROUND_PASSCODE": "correct horse"}, "given in several ways"),
        (["--passcode-file", "FILE"], {}, "too short"),
        (["--host", "0.0.0.0"], {}, "needs a passcode"),
        (["--trust-proxy", "nginx"], {}, "no address of a proxy"),
    ],
)
def test_what_would_not_be_safe_is_a_sentence(tmp_path: Path, words: list[str], env: dict[str, str], said: str) -> None:
    (tmp_path / "passcode").write_text("short\nline\n")
    words = [str(tmp_path / "passcode") if word == "FILE" else word for word in words]
    finished = subprocess.run(
        [sys.executable, "-m", "webapp", "--no-open", *words],
        env=os.environ | {"AUDIO_PLAYGROUND_HOME": str(tmp_path / "home"), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 2 and finished.stdout == ""
    assert said in finished.stderr and "Traceback" not in finished.stderr


@pytest.mark.long
def test_a_passcode_is_made_up_once_and_holds_for_the_next_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_server("--share", home=home, asks_for_token=True) as server:
        passcode = server.log().split("Passcode: ")[1].split()[0]
    with running_server("--share", home=home, asks_for_token=True) as server:
        assert "Passcode" not in server.log()
        answer = httpx.post(f"{server.url}/login", data={"passcode": passcode}, headers={"Origin": server.url})
        assert answer.status_code == 303
