"""Where files may be written: never over what the same command reads, never over a device, and through links."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from separation import Waveform, decode, encode
from tests.support.terminal import audio_playground

ROOT = Path(__file__).parents[3]
EXTRACT = ["extract", "builtin-dsp"]
pytestmark = pytest.mark.usefixtures("folder")


def in_a_process(*words, status, said=""):
    """Run a command line as a person does."""
    ended = subprocess.run(
        [sys.executable, "-c", "from separation.cli.main import main; main()", *map(str, words)],
        env={"PYTHONPATH": str(ROOT), **os.environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == status, ended.stdout + ended.stderr
    assert said in ended.stderr and "Traceback" not in ended.stderr
    return ended


def everything(folder):
    """Kind, inode and content of all there is, but for the data folder."""
    return {
        path: (found.st_mode, found.st_ino, path.read_bytes() if stat.S_ISREG(found.st_mode) else b"")
        for path in folder.rglob("*")
        if "home" not in path.relative_to(folder).parts
        for found in [path.lstat()]
    }


def song(path, duration_s=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (2, round(duration_s * 8_000))).astype(np.float32)
    encode(Waveform(samples, 8_000), path)
    return path


def its_own_folder(folder):
    song(folder / "drums.wav")


def a_way_round(folder):
    song(folder / "music" / "drums.wav")
    (folder / "stems").mkdir()


def a_link_to_it(folder):
    song(folder / "song.wav")
    (folder / "drums.wav").symlink_to("song.wav")


def a_link_of_its_own(folder):
    song(folder / "drums.wav")
    (folder / "song.wav").symlink_to("drums.wav")


def a_second_name(folder):
    (folder / "drums.wav").hardlink_to(song(folder / "song.wav"))


def a_linked_folder(folder):
    song(folder / "music" / "drums.wav")
    (folder / "stems").symlink_to("music")


EXTRACTIONS = (
    (its_own_folder, ["drums.wav"]),
    (its_own_folder, ["drums.wav", "--streaming"]),
    (a_way_round, ["music/drums.wav", "-o", "stems/../music/."]),
    (a_link_to_it, ["song.wav", "--streaming"]),
    (a_link_of_its_own, ["song.wav"]),
    (a_second_name, ["song.wav"]),
    (a_second_name, ["song.wav", "--streaming"]),
    (a_linked_folder, ["music/drums.wav", "-o", "stems"]),
    (its_own_folder, ["drums.wav", "-o", "stems", "--report", "drums.wav"]),
    (its_own_folder, ["drums.wav", "-o", "stems", "--save-recipe", "./drums.wav"]),
)


@pytest.mark.parametrize(("prepare", "words"), EXTRACTIONS, ids=[f"{f.__name__} {w}" for f, w in EXTRACTIONS])
def test_an_extraction_that_would_replace_its_recording_is_refused_before_anything_is_made(folder, prepare, words):
    prepare(folder)
    before = everything(folder)
    in_a_process(*EXTRACT, *words, "-p", "drums", status=2, said="is one of the files that are read.")
    assert everything(folder) == before


def test_a_recipe_that_is_read_is_not_replaced(folder):
    song(folder / "song.wav")
    (folder / "recipe.yaml").write_text("# mine\nbackend: builtin-dsp\nprompts: [{text: drums}]\n")
    before = everything(folder)
    for option in ("--save-recipe", "--report"):
        said = audio_playground("extract", "recipe", "song.wav", "recipe.yaml", option, "recipe.yaml", status=2).stderr
        assert "'recipe.yaml' is one of the files that are read." in said
    assert everything(folder) == before


@pytest.mark.parametrize(
    "words",
    [
        ["convert", "to-wav", "song.wav", "-o", "song.wav"],
        ["convert", "to-wav", "song.wav", "-o", "same.wav"],
        ["merge", "concat", "song.wav", "-o", "same.wav"],
        ["chunk", "split", "link.wav"],
    ],
)
def test_what_other_commands_read_is_not_replaced_either(folder, words):
    song(folder / "song.wav")
    (folder / "same.wav").hardlink_to(folder / "song.wav")
    song(folder / "link.000.wav")
    (folder / "link.wav").symlink_to("link.000.wav")
    before = everything(folder)
    in_a_process(*words, status=2, said="is one of the files that are read.")
    assert everything(folder) == before


def test_a_wav_that_is_converted_without_a_name_stays_under_all_its_names(folder):
    song(folder / "song.WAV")
    (folder / "song.wav").hardlink_to(folder / "song.WAV")  # as it looks where letter case makes no difference
    before = everything(folder)
    audio_playground("convert", "to-wav", "song.WAV")
    after = everything(folder)
    assert after.keys() - before.keys() == {folder / "song-converted.wav"}
    assert before.items() <= after.items()


@pytest.mark.parametrize("way", ["plain", "link", "list of failures", "report"])
def test_a_batch_replaces_none_of_its_recordings(folder, way):
    words = ["batch", "music", "-o", "out", "-p", "drums", "--backend", "builtin-dsp"]
    if way == "plain":  # stems of an earlier batch as recordings of the next one
        song(folder / "out" / "song" / "song.wav"), song(folder / "out" / "song" / "drums.wav")
        words[1] = "out/song"
    elif way == "link":
        song(folder / "out" / "mix" / "drums.wav"), (folder / "music").mkdir()
        (folder / "music" / "mix.wav").symlink_to("../out/mix/drums.wav")
    elif way == "list of failures":
        song(folder / "music" / "failures.json.wav").rename(folder / "music" / "failures.json")
        words = ["music" if word == "out" else word for word in words] + ["--pattern", "*.json"]
    else:
        song(folder / "music" / "song.wav")
        words += ["--report", "music/song.wav"]
    before = everything(folder)
    in_a_process(*words, status=2, said="is one of the files that are read.")
    assert everything(folder) == before


def flow(folder, *steps):
    """Write a workflow; each step is a command and its options."""
    named = [{"name": f"s{n}", "command": command, "with": given} for n, (command, given) in enumerate(steps)]
    (folder / "flow.yaml").write_text(yaml.safe_dump({"steps": named}))


@pytest.mark.parametrize(
    ("command", "given"),
    [
        ("convert to-wav", {"source": "song.wav", "out": "flow.yaml"}),
        ("extract builtin-dsp", {"source": "song.wav", "prompt": "drums", "out": "stems", "report": "flow.yaml"}),
        ("extract builtin-dsp", {"source": "song.wav", "prompt": "drums", "out": "stems", "save-recipe": "song.wav"}),
        ("extract builtin-dsp", {"source": "song.wav", "prompt": "drums", "out": "flow.yaml"}),
    ],
)
def test_a_workflow_whose_output_is_itself_or_an_input_is_refused_before_its_first_step(folder, command, given):
    song(folder / "song.wav")
    flow(folder, ("convert to-wav", {"source": "song.wav", "out": "first.wav"}), (command, given))
    before = everything(folder)
    in_a_process("run", "-c", "flow.yaml", status=2, said="is one of the files that are read.")
    assert everything(folder) == before


def test_a_step_replaces_nothing_that_a_step_before_has_read(folder, backend):
    recording = song(folder / "song.wav").read_bytes()
    (folder / "stems").mkdir()
    (folder / "stems" / "drums.wav").hardlink_to(song(folder / "loop.wav"))
    loop = (folder / "loop.wav").read_bytes()
    flow(
        folder,
        ("convert to-wav", {"source": "loop.wav", "out": "first.wav"}),
        ("extract auto", {"source": "song.wav", "prompt": "drums", "out": "stems"}),
    )
    said = audio_playground("run", "-c", "flow.yaml", status=2).stderr
    assert "step s1" in said and "is one of the files that are read." in said
    assert ((folder / "song.wav").read_bytes(), (folder / "loop.wav").read_bytes()) == (recording, loop)


def test_a_step_may_replace_what_the_workflow_has_made(folder, backend):
    song(folder / "song.wav")
    (folder / "made.wav").write_bytes(b"of an earlier run")
    flow(
        folder,
        ("convert to-wav", {"source": "song.wav", "out": "made.wav"}),
        ("extract auto", {"source": "made.wav", "prompt": "drums", "out": "stems"}),
        ("chunk split", {"source": "stems/drums.wav", "out": "parts", "duration": 0.5, "overlap": 0}),
        ("merge concat", {"sources": "parts/drums.chunks.json", "out": "made.wav"}),
        ("chunk split", {"source": "stems/drums.wav", "out": "parts", "duration": 0.5, "overlap": 0}),
    )
    audio_playground("run", "-c", "flow.yaml")
    audio_playground("run", "-c", "flow.yaml", "--no-cache")


def test_two_files_do_not_take_one_place(folder, backend):
    song(folder / "song.wav")
    words = ("extract", "auto", "song.wav", "-p", "drums", "-o", "stems")
    for others in (["--report", "stems/x/../drums.wav"], ["--report", "a.yaml", "--save-recipe", "a.yaml"]):
        assert "is to hold two files." in audio_playground(*words, *others, status=2).stderr
    assert [path.name for path in folder.iterdir()] == ["song.wav"] and backend.n_loads == 0


# While it runs


def replaced_by_a_link(folder):
    (folder / "drums.wav").hardlink_to(folder / "song.wav")


def moved_there(folder):
    (folder / "song.wav").rename(folder / "drums.wav")


def another_file_in_its_place(folder):
    (folder / "song.wav").rename(folder / "old.wav")
    (folder / "song.wav").write_bytes((folder / "old.wav").read_bytes())
    (folder / "drums.wav").symlink_to("song.wav")


@pytest.mark.parametrize("options", [[], ["--streaming"], ["--format", "flac", "-p", "bass"]], ids=str)
@pytest.mark.parametrize("change", [replaced_by_a_link, moved_there, another_file_in_its_place])
def test_a_recording_that_gets_into_the_way_meanwhile_stays(folder, backend, change, options):
    recording = song(folder / "song.wav").read_bytes()
    extension = ".flac" if "flac" in options else ".wav"

    def once():
        backend.before_evaluation = lambda: None
        change(folder)
        if extension != ".wav":
            (folder / "drums.wav").rename(folder / f"drums{extension}")

    backend.before_evaluation = once
    said = audio_playground("extract", "auto", "song.wav", "-p", "drums", *options, status=2).stderr
    assert f"'drums{extension}' is one of the files that are read." in said
    assert (folder / f"drums{extension}").read_bytes() == recording
    assert not [*folder.glob("everything else*"), *folder.glob("bass*"), *folder.glob(".*")], "all tracks or none"


# Devices, FIFOs, links


def read_from(fifo):
    """Read what is written into a FIFO, in a thread; return a function that waits for it."""
    got = []
    thread = threading.Thread(target=lambda: got.append(fifo.read_bytes()), daemon=True)
    thread.start()

    def wait():
        thread.join(60)
        return got[0]

    return wait


def test_a_fifo_gets_the_whole_file_and_stays(folder):
    song(folder / "song.wav")
    os.mkfifo(folder / "fifo")
    (folder / "link").symlink_to("fifo")
    audio_playground("convert", "to-wav", "song.wav", "-o", "plain.wav")
    for place in ("fifo", "link"):
        arrived = read_from(folder / "fifo")
        in_a_process("convert", "to-wav", "song.wav", "-o", place, status=0)
        assert arrived() == (folder / "plain.wav").read_bytes()
    assert stat.S_ISFIFO((folder / "fifo").stat().st_mode) and (folder / "link").is_symlink()


def test_tracks_reports_and_recipes_go_into_fifos_too(folder, backend):
    song(folder / "song.wav")
    audio_playground("extract", "auto", "song.wav", "-p", "drums", "-o", "plain")
    names = ("drums.wav", "report.yaml", "recipe.yaml")
    for name in names:
        os.mkfifo(folder / name)
    arrived = [read_from(folder / name) for name in names]
    others = ("--report", "report.yaml", "--save-recipe", "recipe.yaml")
    audio_playground("extract", "auto", "song.wav", "-p", "drums", *others)
    drums, report, recipe = (wait() for wait in arrived)
    assert drums == (folder / "plain" / "drums.wav").read_bytes()
    assert yaml.safe_load(report)["backend"] == "fake" and b"prompts:" in recipe
    assert all(stat.S_ISFIFO((folder / name).stat().st_mode) for name in names)


@pytest.mark.parametrize("killed", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_on_its_way_into_a_fifo_when_it_was_killed_is_swept(folder, monkeypatch, killed):
    song(folder / "song.wav")
    os.mkfifo(folder / "fifo")
    (folder / "system").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder / "system"))
    command = [sys.executable, "-m", "separation.cli.main", "convert", "to-wav", "song.wav", "-o", "fifo"]
    with subprocess.Popen(command, env={"PYTHONPATH": str(ROOT), **os.environ}) as waiting:  # for a reader
        deadline_s = time.monotonic() + 60
        while not [part for part in folder.rglob("*.part") if part.stat().st_size > 8_000 * 0.5 * 2 * 4]:
            assert time.monotonic() < deadline_s and waiting.poll() is None
        waiting.send_signal(killed)
    assert list((folder / "system").iterdir()) == []
    audio_playground("convert", "to-wav", "song.wav", "-o", "plain.wav")
    assert list((folder / "home" / "scratch").iterdir()) == [] and not list(folder.rglob("*.part"))


@pytest.fixture
def null(tmp_path):
    """A device that swallows everything, with the numbers of /dev/null, in the test's own folder."""
    node = tmp_path / "null"
    try:
        os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        node.write_bytes(b"")
    except OSError:
        pytest.skip("only root may make devices, and not on every file system")
    return node


def test_a_device_swallows_files_and_stays(folder, null):
    song(folder / "song.wav")
    in_a_process("convert", "to-wav", "song.wav", "-o", null, status=0)
    others = ("--report", "null", "--save-recipe", "null")  # nothing is lost where both are meant to be
    in_a_process(*EXTRACT, "song.wav", "-p", "drums", "-o", "stems", *others, status=0)
    (folder / "out").mkdir()
    null.rename(folder / "out" / "failures.json")
    (folder / "music").mkdir()
    (folder / "music" / "broken.wav").write_bytes(b"no sound")
    in_a_process("batch", "music", "-o", "out", "-p", "drums", "--backend", "builtin-dsp", status=6)
    assert stat.S_ISCHR((folder / "out" / "failures.json").lstat().st_mode)
    assert not [*folder.rglob(".*.part")]


def test_what_can_be_neither_replaced_nor_written_into_is_refused_before_any_work(folder, backend):
    song(folder / "song.wav")
    (folder / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        for place, kind in (("folder", "A folder"), ("socket", "A socket")):
            for words in (["convert", "to-wav", "song.wav"], ["extract", "auto", "song.wav", "-p", "drums", "-o", "x"]):
                option = "-o" if words[0] == "convert" else "--save-recipe"
                said = audio_playground(*words, option, place, status=3).stderr
                assert f"'{place}' cannot be written. {kind} of that name is there." in said
    assert backend.n_loads == 0 and not (folder / "x").exists()


def test_a_growing_file_needs_a_file(folder, backend):
    song(folder / "song.wav")
    os.mkfifo(folder / "drums.wav")
    said = audio_playground("extract", "auto", "song.wav", "-p", "drums", "--streaming", status=3).stderr
    assert "Leave streaming off" in said and backend.n_loads == 0
    assert stat.S_ISFIFO((folder / "drums.wav").stat().st_mode)


def test_tracks_and_lists_follow_links_and_keep_mode_and_owner(folder, backend):
    song(folder / "music" / "song.wav")
    away = folder / "away"
    away.mkdir()
    for name, place in (("take.wav", "out/song/drums.wav"), ("list.json", "out/failures.json")):
        (away / name).write_bytes(b"old")
        (away / name).chmod(0o640)
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).symlink_to(away / name)
    words = ("batch", "music", "-o", "out", "-p", "drums")
    audio_playground(*words)
    assert (folder / "out/song/drums.wav").is_symlink()
    assert decode(away / "take.wav").waveform.n_samples == 4_000
    assert stat.S_IMODE((away / "take.wav").stat().st_mode) == 0o640
    assert not (away / "list.json").exists(), "nothing failed"
    (folder / "music" / "broken.wav").write_bytes(b"no sound")
    audio_playground(*words, status=6)
    assert (folder / "out/failures.json").is_symlink() and b"broken.wav" in (away / "list.json").read_bytes()


def test_metadata_of_chunks_follows_its_link(folder):
    song(folder / "song.wav")
    (folder / "away").mkdir()
    (folder / "song.chunks.json").symlink_to("away/list.json")
    for _ in range(2):
        audio_playground("chunk", "split", "song.wav", "--duration", "0.5", "--overlap", "0")
        assert (folder / "song.chunks.json").is_symlink() and (folder / "away" / "list.json").is_file()
