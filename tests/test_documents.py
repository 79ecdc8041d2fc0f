"""What the documents show and name: samples run, commands are taken, and what has a name is there under that name."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from assets.demo_recording import write_demo_mixture
from separation.cli.common import EXIT_STATUS
from separation.cli.main import main
from tests.support import licences

ROOT = Path(__file__).parents[1]
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
}
README, ARCHITECTURE = DOCUMENTS["README.md"], DOCUMENTS["docs/architecture.md"]
ALL = "\n".join(DOCUMENTS.values())
PLACES = ("", "separation", "webapp", "storage", "tests")  # below which a path in a document may begin


def blocks(language, text=ALL):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def lines(text=ALL):
    """The lines of all blocks of shell commands, without comments."""
    return [line.split(" #")[0].strip() for block in blocks("sh", text) for line in block.splitlines()]


def commands(text=ALL):
    """The words after “audio-playground” of each line in `text` that has it."""
    words = [shlex.split(line) for line in lines(text) if "audio-playground " in line]
    return [line[1:] for line in words]


def named(text=ALL):
    """What stands between single backquotes outside of blocks."""
    return set(re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)))


def parsed(words):
    """Parse a command line as the terminal does, without running it."""
    context, command = click.Context(main), main
    while isinstance(command, click.Group):
        _, command, words = command.resolve_command(context, words)
        context = click.Context(command, parent=context)
    command.parse_args(context, list(words))


def test_the_documents_show_python_and_commands():
    assert len(blocks("python")) == 2 and len(commands()) > 20 and len(named()) > 200


@pytest.mark.long
@pytest.mark.parametrize("example", blocks("python"))
def test_every_python_example_runs(example, tmp_path):
    write_demo_mixture(tmp_path / "song.wav")
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", example],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "AUDIO_PLAYGROUND_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    wrote = {path.name for path in tmp_path.iterdir()} - {"song.wav"}
    assert wrote or done.stdout, "it does something to be seen"


@pytest.mark.parametrize("words", commands(), ids=shlex.join)
def test_every_command_is_one_the_terminal_takes(words):
    parsed(words)


def test_every_option_is_one_of_a_command():
    def options(command, context):
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                yield from options(command.get_command(context, name), context)
        yield from (option for param in command.params for option in (*param.opts, *param.secondary_opts))

    known = {*options(main, click.Context(main)), "--help"}
    of_others = {"--tls-ca-file", "--tls-cert", "--tls-key", "--protocol", "--checkpoint"}  # Dask's, and verify's
    written = {option for name in named() for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", name)}
    assert len(written) > 30
    assert written - known - of_others == set()


def test_every_extra_is_one_of_the_project():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(re.findall(r"audio-playground\[(\w+)\]", ALL)) - set(extras) == set()


def test_every_target_of_make_and_every_module_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    typed = "\n".join([*named(), *lines()])
    assert set(re.findall(r"\bmake ([a-z-]+)", typed)) - targets == set()
    modules = set(re.findall(r"python -m ([\w.]+)", typed)) - {"venv"}
    assert len(modules) > 4
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []


def test_every_path_and_every_dotted_name_is_there():
    paths = {name for name in named() if re.fullmatch(r"[a-z_]+(/[\w.]+)*(/|\.py)", name) and "/" in name}
    assert len(paths) > 10
    assert [path for path in paths if not any((ROOT / place / path).exists() for place in PLACES)] == []
    dotted = {name for name in named() if re.fullmatch(r"(separation|storage|webapp)(\.\w+)+", name)}
    assert len(dotted) > 4
    for name in dotted:
        module, _, attribute = name.rpartition(".")
        assert (
            importlib.util.find_spec(name)
            if attribute.islower()
            else hasattr(importlib.import_module(module), attribute)
        )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_to_a_file(document):
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", DOCUMENTS[document]):
        assert link.startswith("http") or (ROOT / document).parent.joinpath(link).exists(), link


def test_every_page_of_the_documentation_is_in_its_list_and_its_menu():
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]
    assert {name for entry in menu for name in entry.values()} == pages
    assert set(re.findall(r"\]\((\S+\.md)\)", DOCUMENTS["docs/index.md"])) == pages - {"index.md"}


def rooms(text):
    """The files and folders of a tree in a document: path by path, as its indentation has them."""
    found, above = [], ""
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        names = re.match(r"((?:[\w.]+(?:/|\.py) ?)+)", line.lstrip())
        if names is None or indent > 4:
            continue
        if indent == 0:
            above = names[1].split()[0]
            found.append(above)
        else:
            found += [above + name for name in names[1].split()]
    return found


def test_the_map_of_the_rooms_is_the_tree():
    shown = rooms(blocks("text", ARCHITECTURE)[0])
    assert [place for place in shown if not (ROOT / place).exists()] == []
    folders = [folder for package in ("webapp", "separation", "storage") for folder in (ROOT / package).iterdir()]
    there = {f"{path.relative_to(ROOT).as_posix()}/" for path in folders if any(path.glob("*.py"))}
    there |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "separation").glob("[!_]*.py")}
    assert there - set(shown) == set()


def test_the_map_of_sam_audio_is_the_tree():
    (tree,) = [block for block in blocks("text", ARCHITECTURE) if block.startswith("models/sam_audio/")]
    shown = {place.removeprefix("models/sam_audio/") for place in rooms(tree)} - {""}
    assert {place for place in shown if not (ROOT / "separation/models/sam_audio" / place).exists()} == set()
    assert len(shown) > 10


def test_the_readme_shows_the_folders_there_are():
    (tree,) = [block for block in blocks("text", README) if block.startswith("webapp/")]
    assert [place for place in rooms(tree) if not (ROOT / place).is_dir()] == []


def test_the_table_of_licences_is_what_the_packages_say():
    rows = dict(re.findall(r"^\| ([\w-]+) \| (.+) \|$", DOCUMENTS["docs/licences.md"], flags=re.MULTILINE))
    del rows["package"], rows["---"]
    assert list(rows) == licences.dependencies()
    # A later release may word its licence in another way; that it is one that has to be heeded may not go unsaid.
    said = {name: licence for name in rows if (licence := licences.licence(name))}
    assert len(said) > 15
    assert {name for name in said if "GPL" in said[name]} == {name for name in said if "GPL" in rows[name]}
    assert "GPL" in rows["mutagen"] and "Mutagen" in DOCUMENTS["docs/licences.md"]


def test_the_help_lists_every_exit_status():
    help_ = " ".join((main.help or "").split())
    assert [int(number) for number in re.findall(r"(\d+) [a-z]", help_)] == [0, *range(2, 7), 130]
    assert {status for _, status in EXIT_STATUS} == set(range(2, 7))


def test_the_readme_names_the_python_that_is_required():
    required = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    assert f"Python {required.removeprefix('>=')} or newer" in README
