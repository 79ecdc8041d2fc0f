"""What importing us must not bring along: help is instant, and the process that serves pages never loads a model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.structure import House

ROOT = Path(__file__).parents[2]
SEPARATION = [name for name in House(ROOT).modules if name.split(".")[0] == "separation"]
FRAMEWORKS = {"torch", "demucs", "mlx", "mlx_audio", "transformers", "dask", "distributed", "nicegui"}
HEAVY = {*FRAMEWORKS, "scipy"}
# Imports each module with some others out of reach, and prints which it asked for.
WALK = """
import importlib, json, sys
pulled_in = {}
class Blocker:
    def find_spec(self, wanted, path=None, target=None):
        if wanted in blocked or wanted.split(".")[0] in blocked:
            pulled_in.setdefault(name, []).append(wanted)
            raise ModuleNotFoundError(wanted, name=wanted)
sys.meta_path.insert(0, Blocker())
for names, blocked in json.load(sys.stdin):
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in pulled_in.get(name, ()):
                raise
print(json.dumps(pulled_in))
"""


def imported_by(module):
    """Top-level packages in a fresh interpreter after importing `module`."""
    code = f"import sys, json, {module}; print(json.dumps([name.split('.')[0] for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def pulled_in(root, *modules_and_others):
    """By module, what it asks for when it is imported that is out of its reach; (modules, others) in turn."""
    question = json.dumps([[list(modules), sorted(others)] for modules, others in modules_and_others])
    environment = {**os.environ, "PYTHONPATH": str(root)}
    walk = [sys.executable, "-c", WALK]
    done = subprocess.run(walk, input=question, capture_output=True, text=True, check=True, env=environment, cwd=root)
    return json.loads(done.stdout.splitlines()[-1])


def is_model(name):
    """Whether a module may import a framework."""
    return name.startswith("separation.models.")


def is_terminal(name):
    return name.startswith("separation.cli")


@pytest.mark.parametrize(
    "module", ["separation", "storage", "separation.cli.main", "separation.engine.engine", "separation.results.runs"]
)
def test_importing_brings_no_framework_along(module):
    assert imported_by(module) & HEAVY == set()


def test_the_server_imports_no_framework_of_models():
    assert (
        imported_by("webapp.main") & {"torch", "demucs", "mlx", "transformers", "scipy", "dask", "distributed"} == set()
    )


def test_no_module_of_the_core_imports_storage_or_the_pages_and_none_but_a_model_a_framework():
    core = [name for name in SEPARATION if not is_model(name) and not is_terminal(name)]
    terminal = [name for name in SEPARATION if is_terminal(name)]
    assert pulled_in(ROOT, (core, {*FRAMEWORKS, "storage", "webapp"}), (terminal, {*FRAMEWORKS, "webapp"})) == {}


@pytest.mark.long
def test_a_model_imports_neither_storage_nor_pages_and_only_demucs_needs_the_package_of_that_name():
    demucs = [name for name in SEPARATION if name.startswith("separation.models.demucs")]
    others = [name for name in SEPARATION if is_model(name) and name not in demucs]
    strangers = {"storage", "webapp", "nicegui", "distributed"}
    assert pulled_in(ROOT, (others, {*strangers, "demucs"}), (demucs, strangers)) == {}


def test_storage_imports_of_the_others_only_the_shape_of_errors():
    others = {name for name in House(ROOT).modules if name.startswith(("separation.", "webapp"))}
    storage = [name for name in House(ROOT).modules if name.startswith("storage")]
    assert pulled_in(ROOT, (storage, others - {"separation.errors"})) == {}


def test_what_a_module_deep_inside_pulls_in_is_seen(tmp_path):
    """`import separation` is lazy: it says nothing of what the pipeline imports."""
    shutil.copytree(ROOT / "separation", tmp_path / "separation")
    deep = tmp_path / "separation/pipeline/tasks.py"
    deep.write_text(deep.read_text("utf-8") + "\nimport storage\n", "utf-8")
    modules = ["separation", "separation.events", "separation.pipeline.tasks"]
    found = pulled_in(tmp_path, (modules, {"storage"}))
    assert found == {"separation.pipeline.tasks": ["storage"]}


def test_separating_without_a_model_does_not_wait_for_the_half_second_of_scipy_signal():
    modules = "separation.models.classical.classical, separation.metrics.quality, separation.metrics.unreferenced"
    code = f"import sys, {modules}; print('scipy.signal' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_check_sees_a_heavy_import():
    assert "scipy" in imported_by("separation.models.classical.hpss") & HEAVY
