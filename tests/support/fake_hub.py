"""A Hugging Face hub on loopback: enough of its protocol for `huggingface_hub` and for our own downloads.

Large files are served from another host name, as the hub's own storage is, and with every way in which it goes wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from huggingface_hub import constants

from separation.hub import licences

LARGE = (".pt", ".safetensors")
TOKEN = "hf_aSecretThatNobodyMayEverRead"


def serve(hub):
    """A context in which `hub` answers at `hub.address`."""

    class Handler(_Handler):
        protocol_version = "HTTP/1.1"

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    hub.storage = f"http://localhost:{server.server_port}/storage"

    @contextlib.contextmanager
    def running():
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    return running()


@contextlib.contextmanager
def installed(tmp_path, monkeypatch, *, accepted=True):
    """A hub that `huggingface_hub` in this process talks to, empty caches, no token, and licences accepted or not."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HOME", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "home"))  # which remembers what was published
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    if accepted:
        licences.accept("SAM Licence")
    with serve(Hub()) as running:
        # The library reads its environment when it is imported.
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        for name, value in {
            "ENDPOINT": running.address,
            "HUGGINGFACE_CO_URL_TEMPLATE": running.address + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_CACHE": str(tmp_path / "hub"),
            "HF_TOKEN_PATH": str(tmp_path / "token"),
        }.items():
            monkeypatch.setattr(constants, name, value)
        yield running


@dataclass
class Hub:
    """What is published, and what goes wrong.

    Args:
        repositories: name to files.
        gated: repositories that need `TOKEN`; `refused` ones refuse it too.
        moved: old name of a repository to its new one.
        drops: file to the byte counts after which its next connections break; 0 breaks them at once.
        damaged: files that arrive with a byte changed.
        failing: the status that the storage answers with next, once for each.
        ranges: whether parts of files can be asked for.
        pause_s: wait after every `piece` bytes.
    """

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)
    drops: dict[str, list[int]] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    failing: list[int] = field(default_factory=list)
    headers: dict[str, str | None] = field(default_factory=dict)
    ranges: bool = True
    pause_s: float = 0.0
    piece: int = 1 << 14
    asked: list = field(default_factory=list)
    sent: list = field(default_factory=list)

    def publish(self, repository, files):
        self.repositories[repository] = dict(files)
        return self.commit(repository)

    def commit(self, repository):
        return _sha1(json.dumps([repository, *(sorted(map(_sha1, self.repositories[repository].values())))]).encode())

    def sent_bytes(self, *names):
        """Bytes of the bodies of files of these names, or of all files."""
        return sum(n for name, n in self.sent if not names or name in names)

    def got(self, method, path):
        """Headers of the requests for a path."""
        return [headers for made, asked, headers in self.asked if made == method and asked.endswith(path)]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def _answer(self):
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path, {name.title(): it for name, it in self.headers.items()}))
        if path.startswith("/storage/"):
            return self._storage(*path.removeprefix("/storage/").rsplit("/", 1))
        if path.startswith("/api/models/"):
            repository, rest = path.removeprefix("/api/models/"), None
        elif "/resolve/" in path:
            repository, rest = path[1:].split("/resolve/", 1)
        else:
            return self._send(404)
        if repository in self.hub.moved:
            new = self.hub.moved[repository]
            return self._send(307, Location=f"/api/models/{new}" if rest is None else f"/{new}/resolve/{rest}")
        return self._repository(repository, rest)

    def _repository(self, repository, rest):
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token != TOKEN:
            return self._send(401, **{"X-Error-Message": "Invalid credentials in Authorization header"})
        if repository not in self.hub.repositories:
            return self._send(404 if token else 401, **{"X-Error-Code": "RepoNotFound"})
        files = self.hub.repositories[repository]
        if rest is None:
            about = {
                "id": repository,
                "sha": self.hub.commit(repository),
                "siblings": [{"rfilename": f} for f in files],
            }
            return self._send(200, json.dumps(about).encode(), **{"Content-Type": "application/json"})
        _, name = rest.split("/", 1)
        if repository in self.hub.gated and (not token or repository in self.hub.refused):
            return self._send(403 if token else 401, **{"X-Error-Code": "GatedRepo"})
        if name not in files:
            return self._send(404, **{"X-Error-Code": "EntryNotFound"})
        content = files[name]
        headers = {"X-Repo-Commit": self.hub.commit(repository), "ETag": f'"{_blob(content)}"'}
        if name.endswith(LARGE):
            headers["X-Linked-Etag"] = f'"{hashlib.sha256(content).hexdigest()}"'
            headers["X-Linked-Size"] = str(len(content))
            headers["Location"] = f"{self.hub.storage}/{repository}/{name}"
            return self._send(302, **{**headers, **self.hub.headers})
        return self._content(name, content, {**headers, **self.hub.headers})

    def _storage(self, repository, name):
        if self.hub.failing and self.command == "GET":
            return self._send(self.hub.failing.pop(0))
        return self._content(name, self.hub.repositories[repository][name], {})

    def _content(self, name, content, headers):
        if name in self.hub.damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        part, status = content, 200
        if self.hub.ranges and "Range" in self.headers:
            first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
            start, end = int(first), int(last) + 1 if last else len(content)
            part, status = content[start:end], 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
        drops = self.hub.drops.get(name) if self.command == "GET" else None
        self._send(status, part, cut=drops.pop(0) if drops else len(part), **headers)

    def _send(self, status, content=b"", *, cut=None, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        sent = content[:cut]
        if status in (200, 206):
            self.hub.sent.append((unquote(urlsplit(self.path).path).rsplit("/", 1)[-1], len(sent)))
        with contextlib.suppress(ConnectionError):
            for at in range(0, len(sent), self.hub.piece):
                self.wfile.write(sent[at : at + self.hub.piece])
                time.sleep(self.hub.pause_s)
        if len(sent) < len(content):
            self.close_connection = True


def _sha1(content):
    return hashlib.sha1(content).hexdigest()


def _blob(content):
    return _sha1(b"blob %d\0" % len(content) + content)
