"""The server on a computer with little memory left: `python -m tests.support.small_computer_app`."""

from __future__ import annotations

import sys

from separation.cli.main import main
from webapp.state import run_estimates

FREE_BYTES = 560_000_000  # enough for 5 s at a time of the built-in separator, not for 10 s

if __name__ == "__main__":
    run_estimates.available_bytes = lambda: FREE_BYTES
    main(["serve", "--no-token", *sys.argv[1:]])
