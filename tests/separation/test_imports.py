"""What importing us must not bring along: help is instant, and the process that serves pages never loads a model."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "demucs", "mlx", "transformers", "dask", "distributed", "nicegui", "scipy"}


def imported_by(module):
    """Top-level packages in a fresh interpreter after importing `module`."""
    code = f"import sys, json, {module}; print(json.dumps([name.split('.')[0] for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module", ["separation", "storage", "separation.cli.main", "separation.engine.engine", "separation.results.runs"]
)
def test_importing_brings_no_framework_along(module):
    assert imported_by(module) & HEAVY == set()


def test_the_server_imports_no_framework_of_models():
    assert (
        imported_by("webapp.main") & {"torch", "demucs", "mlx", "transformers", "scipy", "dask", "distributed"} == set()
    )


@pytest.mark.parametrize(
    ("module", "others"), [("storage", {"separation", "webapp"}), ("separation", {"storage", "webapp"})]
)
def test_the_packages_know_only_what_they_may(module, others):
    assert imported_by(module) & others == set()


def test_separating_without_a_model_does_not_wait_for_the_half_second_of_scipy_signal():
    modules = "separation.models.classical.classical, separation.metrics.quality, separation.metrics.unreferenced"
    code = f"import sys, {modules}; print('scipy.signal' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_check_sees_a_heavy_import():
    assert "scipy" in imported_by("separation.models.classical.hpss") & HEAVY
