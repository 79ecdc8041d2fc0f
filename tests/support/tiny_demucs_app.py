"""The server as it is, for a place on loopback where Demucs' `htdemucs` is a tiny network.

`TINY_DEMUCS` is the address of its file. Workers import this module too, and look for the same file.
"""

from __future__ import annotations

import os
import sys
from functools import partial

from separation.cli.main import main
from separation.models.demucs import download, weights

SIGNATURE = "955717e8"  # of `htdemucs`

_root, _, _name = os.environ["TINY_DEMUCS"].rpartition("/")
_files = {**weights.published_files(), SIGNATURE: _name}
weights.published_files = lambda: _files
download.fetch = partial(download.fetch, root_url=f"{_root}/")

if __name__ == "__main__":
    main(["serve", "--no-token", *sys.argv[1:]])
