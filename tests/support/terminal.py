"""Runs `audio-playground` commands in the test's own process."""

from __future__ import annotations

from click.testing import CliRunner

from separation.cli.main import main


def audio_playground(*words, status=0, typed=None):
    """Run one command line: it must end with this exit status, and never with a traceback."""
    result = CliRunner().invoke(main, [str(word) for word in words], input=typed)
    assert result.exit_code == status, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result
