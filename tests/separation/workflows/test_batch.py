from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from separation.errors import AudioError, SeparationError, SettingsError
from separation.workflows import batch
from separation.workflows.batch_files import find_recordings, folders

ROOT = Path(__file__).parents[3]

# Work for processes: what they do has to be importable.


def square(number):
    return number * number


def odd_ones_fail(number):
    if number % 2:
        raise AudioError(f"{number} is odd.", "It was made so.", "Take another.")
    return square(number)


def slow_first(number):
    time.sleep(0.5 if number == 0 else 0)
    return os.getpid()


def three_is_lethal(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(number)


def meet(folder, number):
    """Wait for another one at the same time."""
    (folder / str(number)).touch()
    deadline_s = time.monotonic() + 30
    while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return len(list(folder.iterdir()))


def hold_a_file(folder, number):
    """Keep a file for as long as this is at work, which is longer than any test; cleaning up takes a while."""
    path = folder / str(number)
    try:
        path.touch()
        time.sleep(60)
    finally:
        time.sleep(0.3)
        path.unlink(missing_ok=True)


def never_stop(folder, number):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (folder / str(number)).touch()
    time.sleep(60)


def number_of_threads(number):
    return [os.environ[name] for name in batch.THREAD_COUNTS]


def unforeseen(number):
    raise ZeroDivisionError("by nothing")


# Running


@pytest.mark.parametrize("jobs", [1, 2])
def test_outcomes_come_in_the_order_of_the_files_and_failures_stop_nothing(jobs):
    outcomes = list(batch.run(range(7), odd_ones_fail, jobs))
    assert [outcome.file for outcome in outcomes] == list(range(7))
    assert [outcome.result for outcome in outcomes] == [0, None, 4, None, 16, None, 36]
    failed = [outcome.error for outcome in outcomes if outcome.error]
    assert [str(error) for error in failed] == [f"{n} is odd. It was made so. Take another." for n in (1, 3, 5)]
    assert all(type(error) is AudioError for error in failed)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_nobody_foresaw_is_that_files_failure(jobs):
    (outcome,) = batch.run([0], unforeseen, jobs)
    assert type(outcome.error) is SeparationError
    assert "ZeroDivisionError: by nothing" in outcome.error.why and "report it" in outcome.error.todo


def test_one_job_works_in_this_process_file_by_file():
    started = []
    outcomes = batch.run([3, 4, 5], square, started=started.append)
    assert next(outcomes).result == 9 and started == [3]
    assert [outcome.result for outcome in outcomes] == [16, 25] and started == [3, 4, 5]


def test_a_slow_file_holds_up_the_reports_and_not_the_work():
    started = []
    outcomes = batch.run(range(6), slow_first, 2, started=started.append)
    first = next(outcomes)
    assert first.file == 0 and started == list(range(6))
    workers = {outcome.result for outcome in outcomes}
    assert len({first.result, *workers}) == 2, "the processes last"
    assert os.getpid() not in workers


def test_jobs_work_at_the_same_time(tmp_path):
    assert [outcome.result for outcome in batch.run([1, 2], partial(meet, tmp_path), 2)] == [2, 2]


def test_jobs_share_the_cores(monkeypatch):
    for name in batch.THREAD_COUNTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    (outcome,) = batch.run([0], number_of_threads, 2)
    assert outcome.result == ["3"] * len(batch.THREAD_COUNTS)


def test_a_file_that_kills_its_process_is_the_only_one_lost():
    outcomes = list(batch.run(range(6), three_is_lethal, 2))
    assert [outcome.result for outcome in outcomes] == [0, 1, 4, None, 16, 25]
    assert type(outcomes[3].error) is SeparationError
    assert "died" in outcomes[3].error.what and "-9" in outcomes[3].error.why


def test_nothing_to_do_is_done_at_once():
    assert list(batch.run([], square, 2)) == []


def test_closing_early_breaks_off_what_runs_and_lets_it_clean_up(tmp_path):
    outcomes = batch.run(range(3), partial(after_the_first, tmp_path), 2)
    assert next(outcomes).result == 0
    wait_for(lambda: any(tmp_path.iterdir()))
    started_s = time.monotonic()
    outcomes.close()
    assert list(tmp_path.iterdir()) == []
    assert time.monotonic() - started_s < batch.PATIENCE_S


def after_the_first(folder, number):
    return hold_a_file(folder, number) if number else 0


def test_a_worker_that_does_not_listen_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "PATIENCE_S", 0.3)
    outcomes = batch.run([0, 1], partial(stubborn, tmp_path), 2)
    assert next(outcomes).result == 0
    wait_for(lambda: any(tmp_path.iterdir()))
    outcomes.close()
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def stubborn(folder, number):
    return never_stop(folder, number) if number else 0


@pytest.mark.parametrize("whom", ["the program", "the whole group, as a terminal does"])
def test_an_interrupt_ends_all_processes_without_a_word_from_them(tmp_path, whom):
    code = (
        "from functools import partial\nfrom pathlib import Path\nfrom separation.workflows import batch\n"
        "from tests.separation.workflows.test_batch import hold_a_file\n"
        f"try: list(batch.run(range(9), partial(hold_a_file, Path({str(tmp_path)!r})), 2))\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    wait_for(lambda: len(list(tmp_path.iterdir())) == 2)
    if whom == "the program":
        program.send_signal(signal.SIGINT)
    else:
        os.killpg(program.pid, signal.SIGINT)
    output, errors = program.communicate(timeout=30)
    assert (output, errors) == ("interrupted\n", "")
    assert list(tmp_path.iterdir()) == []


def wait_for(condition):
    deadline_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


# Finding


def made(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found(folder, *patterns, recursive=False, out="elsewhere"):
    return [path.as_posix() for path in find_recordings(folder, patterns, recursive, folder / out)]


def test_all_audio_is_found_in_order_whatever_the_case_of_its_extension(tmp_path):
    made(tmp_path, "b.wav", "a.FLAC", "c.Mp3", "notes.txt", "cover.jpg", "wav", "sub/d.wav")
    assert found(tmp_path) == ["a.FLAC", "b.wav", "c.Mp3"]
    assert found(tmp_path, recursive=True) == ["a.FLAC", "b.wav", "c.Mp3", "sub/d.wav"]


def test_patterns_choose_by_name(tmp_path):
    made(tmp_path, "one.wav", "two.wav", "film.mp4", "song.flac")
    assert found(tmp_path, "*.mp4", "T*.wav") == ["film.mp4", "two.wav"]


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    made(tmp_path, "song.wav", "._song.wav", ".trash/old.wav", "folder.wav/inner.wav")
    assert found(tmp_path, recursive=True) == ["folder.wav/inner.wav", "song.wav"]


def test_results_are_never_taken_for_recordings(tmp_path):
    made(tmp_path, "song.wav", "out/song/drums.wav", "output/other.wav")
    assert found(tmp_path, recursive=True, out="out") == ["output/other.wav", "song.wav"]
    for out in (".", ".."):
        with pytest.raises(SettingsError, match="next batch would take results for recordings"):
            found(tmp_path, recursive=True, out=out)
    assert found(tmp_path, out=".") == ["song.wav"]


def test_nothing_found_says_what_was_looked_for(tmp_path):
    made(tmp_path, "sub/song.wav")
    with pytest.raises(SettingsError, match=r"extensions of audio files.*--recursive"):
        found(tmp_path)
    with pytest.raises(SettingsError, match=r"\*\.mp3, \*\.ogg\. Check the folder and the pattern\.$"):
        found(tmp_path, "*.mp3", "*.ogg", recursive=True)
    with pytest.raises(SettingsError, match="There is no folder"):
        found(tmp_path / "missing")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_not_passed_over_silently(tmp_path):
    made(tmp_path, "song.wav", "locked/other.wav")
    (tmp_path / "locked").chmod(0)
    try:
        with pytest.raises(SettingsError, match="locked cannot be read"):
            found(tmp_path, recursive=True)
    finally:
        (tmp_path / "locked").chmod(0o700)


# Folders for results


def placed(*names):
    return [path.as_posix() for path in folders([Path(name) for name in names]).values()]


def test_a_file_has_a_folder_of_its_name_under_its_own_path():
    assert placed("song.wav", "one/song.wav", "two/deep/song.wav") == ["song", "one/song", "two/deep/song"]


def test_files_that_differ_in_extension_keep_it():
    assert placed("song.mp3", "song.wav", "Song.flac", "else.wav") == ["song.mp3", "song.wav", "Song.flac", "else"]
    assert placed("song.wav", "song/inner.wav") == ["song.wav", "song/inner"]


def test_no_two_files_share_a_folder_whatever_they_are_called():
    names = ("a?.wav", "a*.wav", "A!.wav", "x?/a.wav", "x*/a.wav", "a_.wav/a_.wav", "...wav", "failures.json.wav")
    places = placed(*names)
    assert len({place.casefold() for place in places}) == len(names)
    assert "failures.json" not in places, "that is the list of failures"
    assert not any(part.startswith(".") for place in places for part in place.split("/"))
