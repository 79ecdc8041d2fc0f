"""What is installed is whole: all that pages, the built-in separator and the demo need, and nothing of training."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("separation", "storage", "webapp", "assets")
TRAINING = "assets/builtin/training/"
BUILD = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"


def files_below(root):
    """Of the packages, by their place from `root`."""
    paths = (path for package in PACKAGES for path in (root / package).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix() for path in paths if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The files of a wheel that is built of a copy, offline."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=copy, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    return {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_everything_but_how_the_weights_are_made(installed):
    assert installed == {path for path in files_below(ROOT) if not path.startswith(TRAINING)}


def test_the_wheel_holds_what_pages_load_the_weights_and_the_demo(installed):
    kinds = {Path(path).suffix for path in installed}
    assert {".py", ".js", ".css", ".safetensors", ".ogg"} <= kinds
    assert {"assets/builtin/network.safetensors", "assets/builtin/MODEL_CARD.md"} <= installed
    assert not any(path.startswith((TRAINING, "tests/", "benchmarks/")) for path in installed)
