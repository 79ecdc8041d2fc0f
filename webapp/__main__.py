"""`python -m webapp`: the same as `audio-playground serve`."""

from __future__ import annotations

import sys

from separation.cli.main import main

if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])
