"""A served studio as the README has it: over https where there is a certificate, and opened in the person's browser."""

from __future__ import annotations

import http.client
import ssl
import stat
import sys
from pathlib import Path

import pytest
from distributed import Security

from tests.support.browser import wait_until
from tests.support.server import running_server


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


@pytest.mark.skipif(sys.platform == "win32", reason="its browsers are not named by a variable")
@pytest.mark.parametrize("option", ["--open", "--no-open"])
def test_the_browser_is_opened_at_the_studio_if_that_is_wanted(tmp_path: Path, option: str) -> None:
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >>{opened}\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    with running_server(option, env={"BROWSER": f"{browser} %s"}) as server:
        wait_until(lambda: "Audio Playground is at" in server.log(), "its address")
        if option == "--open":
            wait_until(opened.exists, "the browser")
            wait_until(lambda: opened.read_text() == f"http://127.0.0.1:{server.port}\n", "its page")
    assert opened.exists() == (option == "--open")
