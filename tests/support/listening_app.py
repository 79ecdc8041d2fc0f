"""The listening room alone, with what it draws fixed by a seed, so that an attack on it gives the same each time."""

from __future__ import annotations

import argparse
import base64
import os
import random
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from storage import ArtifactStore
from storage.records import BlindTestTable
from webapp.access.faults import answer_faults
from webapp.pages.listen.page import add_listening_page
from webapp.routes.listening import add_listening_routes
from webapp.routes.media import add_error_answers
from webapp.state.blind_tests import BlindTests


class Seeded:
    """`secrets`, foreseeable."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def randbelow(self, bound: int, /) -> int:
        """Draw from 0 to below `bound`."""
        return self._random.randrange(bound)

    def token_urlsafe(self, nbytes: int, /) -> str:
        """Draw a token."""
        return base64.urlsafe_b64encode(self._random.randbytes(nbytes)).rstrip(b"=").decode()


def main() -> None:
    """Serve the data folder AUDIO_PLAYGROUND_HOME at the port given on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    home = Path(os.environ["AUDIO_PLAYGROUND_HOME"])
    app = FastAPI()
    tests = BlindTests(ArtifactStore(home), BlindTestTable(home), Seeded(1))
    add_listening_routes(app, tests)
    add_listening_page(app)
    add_error_answers(app)
    answer_faults(app)
    uvicorn.run(app, host="127.0.0.1", port=parser.parse_args().port, log_level="warning")


if __name__ == "__main__":
    main()
