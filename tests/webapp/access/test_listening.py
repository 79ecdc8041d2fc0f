"""Where the server listens and what it says of it: a free port, addresses that work, and a sentence where it cannot."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import ifaddr
import pytest

from separation.errors import SettingsError
from webapp.access import listening

ROOT = Path(__file__).parents[3]
STOP_S = 30.0


@contextmanager
def taken(port: int = 0, host: str = "127.0.0.1") -> Iterator[int]:
    """A port on which another program listens; whoever has it already will do as well."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind((host, port))
            other.listen()
        except OSError:
            assert port
        yield port or other.getsockname()[1]


@contextmanager
def serving(home: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "webapp", "--no-open", *words],
        cwd=ROOT,
        env={"PATH": "", "AUDIO_PLAYGROUND_HOME": str(home), "PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=STOP_S)


def test_with_no_port_asked_for_the_next_free_one_is_taken_and_its_addresses_work(tmp_path: Path) -> None:
    own = {str(address.ip) for adapter in ifaddr.get_adapters() for address in adapter.ips if address.is_IPv4}
    with taken(8080), serving(tmp_path, "--host", "0.0.0.0", "--passcode", "auto") as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        line = next(line for line in lines if line.startswith("Audio Playground is at "))
        found = re.findall(r"http://([\d.]+):(\d+)", line)
        assert {host for host, _ in found} == own | {"127.0.0.1"}, "not 0.0.0.0, which is no address"
        for host, port in found:
            assert int(port) > 8080
            with urllib.request.urlopen(f"http://{host}:{port}/login") as answer:
                assert answer.status == 200


def test_ctrl_c_is_the_way_to_stop_it_and_says_what_becomes_of_jobs(tmp_path: Path) -> None:
    with serving(tmp_path) as process:
        assert process.stdout is not None and process.stdout.readline().startswith("Audio Playground is at ")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=STOP_S)
    assert process.returncode == 130
    assert "The studio has stopped; jobs that were not finished are offered again." in errors
    assert "Traceback" not in errors


def test_a_port_that_was_asked_for_and_is_taken_is_a_sentence_and_no_address_is_printed(tmp_path: Path) -> None:
    with taken() as port, serving(tmp_path / "home", "--port", str(port)) as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert output == "" and "Traceback" not in errors
    assert f"Another program has port {port} of 127.0.0.1. Choose another port, such as --port {port + 1}" in errors


@pytest.mark.parametrize("holder", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", ""])
def test_a_port_counts_as_taken_whichever_address_the_other_program_has(host: str, holder: str) -> None:
    with taken(host=holder) as port, pytest.raises(SettingsError, match=f"has port {port}"):
        listening.choose_port(host, port)


def test_a_port_whose_last_connections_are_closing_is_free() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        with closing(socket.create_connection(("127.0.0.1", port))):
            server.accept()[0].close()  # who closes first keeps the port in “time wait” for a minute
    assert listening.choose_port("127.0.0.1", port) == port


def test_when_all_usual_ports_are_taken_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    with taken() as port:
        monkeypatch.setattr(listening, "USUAL_PORT", port)
        monkeypatch.setattr(listening, "N_TRIED", 1)
        with pytest.raises(SettingsError, match=f"Ports {port} to {port} are all in use"):
            listening.choose_port("127.0.0.1", None)


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("no.such.host.invalid", "Nothing is known of the host “no.such.host.invalid”"),
        ("203.0.113.7", "This computer cannot listen on port 8090 of 203.0.113.7. The system says: Cannot assign"),
    ],
)
def test_a_host_that_is_not_this_computer_is_a_sentence(host: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        listening.choose_port(host, 8090)
    assert str(caught.value).startswith(reason) and "0.0.0.0" in caught.value.todo


def test_a_port_that_is_reserved_is_a_sentence() -> None:
    error = listening.refused("127.0.0.1", 80, PermissionError(13, "Permission denied"))
    assert str(error).startswith("This account may not listen on port 80 of 127.0.0.1. Ports below 1024 are reserved.")


def test_addresses_can_be_typed_into_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    def ips(*found: str | tuple[str, int, int]) -> object:
        return type("Adapter", (), {"ips": [type("IP", (), {"ip": one}) for one in found]})

    cards = [
        ips("127.0.0.1", ("::1", 0, 0)),
        ips("169.254.3.4", "192.168.1.20", ("fe80::1", 0, 2), ("2001:db8::5", 0, 2)),
    ]
    monkeypatch.setattr(listening.ifaddr, "get_adapters", lambda: cards)
    assert listening.addresses("127.0.0.1", 8080, tls=False) == ("http://127.0.0.1:8080",)
    assert listening.addresses("::1", 8080, tls=False) == ("http://[::1]:8080",)
    assert listening.addresses("studio.local", 443, tls=True) == ("https://studio.local:443",)
    assert listening.addresses("0.0.0.0", 80, tls=False) == ("http://127.0.0.1:80", "http://192.168.1.20:80")
    every = ("http://127.0.0.1:80", "http://192.168.1.20:80", "http://[2001:db8::5]:80")
    assert listening.addresses("::", 80, tls=False) == every
