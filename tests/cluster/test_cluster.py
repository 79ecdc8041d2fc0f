"""A scheduler and workers of their own: they share a job, may die, may be elsewhere, and the sound is the same."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import ExitStack, closing

import dask
import distributed  # noqa: F401  settings of Dask that are changed before this are lost afterwards
import numpy as np
import pytest

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.engine.dask import Cluster
from separation.engine.engine import Ahead, Call, Inline
from separation.engine.scheduler import resources
from separation.engine.tls import Tls
from separation.errors import SeparationError, SettingsError
from separation.events import ChunkFinished, SolverStep, StillRunning, Warned, WorkerRestarted
from separation.pipeline import tasks
from separation.pipeline.separate import extract, separate
from separation.request import ChunkSettings, Request, SolverSettings
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore
from tests.support import fakes
from tests.support.browser import wait_until
from tests.support.dask_cluster import scheduler, worker
from tests.support.sam_models import CHECKPOINT, clip

CHUNKS = ChunkSettings(chunk_s=0.5, overlap_s=0.1)
BUILTIN = Request.of("drums", "no vocals", backend="builtin", chunks=CHUNKS)
MIXTURE = Waveform((0.2 * np.random.default_rng(2).standard_normal((2, 150_000))).astype(np.float32), 48_000)


def sam(stitch, n_steps=2):
    """What the tiny checkpoint is asked for."""
    chunks = ChunkSettings(chunk_s=0.52, overlap_s=0.12, stitch=stitch)
    solver = SolverSettings(method="midpoint", n_steps=n_steps)
    return Request.of("dog", "cat", backend="sam_torch", model=str(CHECKPOINT), chunks=chunks, solver=solver)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """An engine on a scheduler with two workers."""
    folder = tmp_path_factory.mktemp("pair")
    with ExitStack() as processes:
        address = processes.enter_context(scheduler(folder))
        for _ in range(2):
            processes.enter_context(worker(folder, address, "--device", "cpu"))
        engine = Cluster(address)
        yield engine
        engine.close()


def assert_same_bytes(tracks, others):
    assert list(tracks) == list(others)
    assert all(tracks[name].samples.tobytes() == others[name].samples.tobytes() for name in tracks)


def results(engine, calls, device="auto"):
    """Every result in order, and the events."""
    ahead, events, got = Ahead(engine, device), [], []
    waiting = iter(calls)
    for _ in calls:
        ahead.fill(waiting)
        got.append(fakes.result_of(heard(ahead.next(), events)))
    return got, events


def heard(steps, events):
    while True:
        try:
            event = next(steps)
        except StopIteration as stop:
            return stop.value
        if not isinstance(event, StillRunning):
            events.append(event)
        yield event


def test_results_come_in_the_order_of_the_calls_however_long_each_takes(pair):
    calls = [Call(fakes.after, (number, 0.3 if number % 2 == 0 else 0.0)) for number in range(6)]
    got, _ = results(pair, calls)
    assert got == list(range(6))


def test_both_workers_work_at_the_same_time(pair):
    assert pair.width("auto") == pair.width("cpu") == 3
    got, _ = results(pair, [Call(fakes.process_id_after, (0.3,)) for _ in range(8)])
    assert len(set(got)) == 2
    assert os.getpid() not in got


def test_no_more_is_started_than_there_is_room_for_and_closing_cancels_it(tmp_path, pair):
    diaries = [tmp_path / str(number) for number in range(9)]
    ahead = Ahead(pair, "auto")
    ahead.fill(Call(fakes.work_until_stopped, (diary, 200, 0.05)) for diary in diaries)
    steps = ahead.next()
    while not isinstance(next(steps), SolverStep):
        pass
    assert sum(diary.exists() for diary in diaries) <= 2
    steps.close()
    ahead.close()
    fakes.eventually(lambda: all("stopped" in diary.read_text() for diary in diaries if diary.exists()))
    assert sum(diary.exists() for diary in diaries) <= 3
    assert results(pair, [Call(fakes.after, (1, 0.0))])[0] == [1]


def test_one_job_on_two_workers_has_the_bytes_of_one_in_this_process(pair):
    assert_same_bytes(extract(MIXTURE, BUILTIN, engine=pair), extract(MIXTURE, BUILTIN))


@pytest.mark.parametrize("stitch", ["crossfade", "multidiffusion"])
def test_sam_audio_on_two_workers_has_the_bytes_of_one_in_this_process(pair, stitch):
    mixture = Waveform(clip(80_000, channels=2), 48_000)
    assert_same_bytes(extract(mixture, sam(stitch), engine=pair), extract(mixture, sam(stitch)))


def test_every_solver_step_names_its_chunk_and_every_chunk_arrives_in_order(pair):
    events = list(separate(MIXTURE, BUILTIN, engine=pair))
    finished = [event.index for event in events if isinstance(event, ChunkFinished)]
    steps = {event.index for event in events if isinstance(event, SolverStep)}
    assert finished == list(range(len(finished)))
    assert steps == set(finished)


def finishes_although_one_is_switched_off(engine, doomed):
    pieces = {}
    for event in separate(MIXTURE, BUILTIN, engine=engine):
        if isinstance(event, ChunkFinished):
            if event.index == 1:
                doomed.kill()
            for name, samples in event.audio.items():
                pieces.setdefault(name, []).append(samples)
    engine.close()
    tracks = {name: Waveform(np.concatenate(parts, axis=-1), 48_000) for name, parts in pieces.items()}
    assert_same_bytes(tracks, extract(MIXTURE, BUILTIN))


def test_when_one_of_two_workers_is_switched_off_the_job_still_finishes_with_the_same_bytes(tmp_path):
    with scheduler(tmp_path) as address, worker(tmp_path, address), worker(tmp_path, address) as doomed:
        finishes_although_one_is_switched_off(Cluster(address), doomed)


def kept_result(store, song, request, engine, at_event=lambda event: None):
    """The result of a run, kept in `store`, and what it said of workers that died."""
    run, warnings = separate_recording(import_recording(song, store), request, store, engine), []
    try:
        while True:
            event = next(run)
            at_event(event)
            if isinstance(event, WorkerRestarted):
                warnings.append(event.message)
    except StopIteration as stop:
        return stop.value, warnings


def test_when_the_worker_is_killed_in_mid_chunk_it_is_said_and_the_kept_result_has_the_same_bytes(tmp_path):
    song = tmp_path / "song.wav"
    encode(Waveform(clip(60_000, channels=2), 48_000), song)
    engine = Cluster()
    first = fakes.result_of(engine.run(fakes.process_id))
    doomed = [first]

    def kill(event):
        if isinstance(event, SolverStep) and (event.index, event.done) == (1, 2) and doomed:
            os.kill(doomed.pop(), signal.SIGKILL)

    disturbed, warnings = kept_result(ArtifactStore(tmp_path / "a"), song, sam("crossfade", n_steps=16), engine, kill)
    assert fakes.result_of(engine.run(fakes.process_id)) != first
    engine.close()
    undisturbed, _ = kept_result(ArtifactStore(tmp_path / "b"), song, sam("crossfade", n_steps=16), Inline())
    assert warnings
    assert all("died" in warning and "attempt 2" in warning for warning in warnings)
    assert disturbed.key == undisturbed.key
    bytes_of = [
        {name: path.read_bytes() for name, path in ArtifactStore(tmp_path / folder).get(disturbed.key).files.items()}
        for folder in ("a", "b")
    ]
    assert bytes_of[0] == bytes_of[1]


def test_a_call_for_a_device_goes_only_where_that_device_is(pair, monkeypatch):
    monkeypatch.setattr("separation.engine.dask.WAIT_FOR_WORKER_S", 0.5)
    task = pair.start(Call(fakes.process_id, (), device="cuda"))
    steps = task.follow()
    said = next(event for event in steps if isinstance(event, Warned))
    assert "No worker with the device cuda" in said.message
    assert "audio-playground worker --scheduler tcp://127.0.0.1:" in str(said)
    steps.close()
    task.close()
    assert results(pair, [Call(fakes.after, (7, 0.0), "cpu")], "cpu")[0] == [7]


def test_without_any_worker_it_is_said_and_the_work_is_done_as_soon_as_one_comes(tmp_path, monkeypatch):
    monkeypatch.setattr("separation.engine.dask.WAIT_FOR_WORKER_S", 0.5)
    with scheduler(tmp_path) as address:
        engine = Cluster(address)
        task = engine.start(Call(fakes.after, ("done", 0.0)))
        steps = task.follow()
        assert next(event for event in steps if isinstance(event, Warned))
        with worker(tmp_path, address):
            assert fakes.result_of(steps) == "done"
        task.close()
        engine.close()


def test_a_worker_with_other_weights_refuses(pair, monkeypatch):
    order = tasks.Order(request=BUILTIN, revision="classical-of-yesterday")
    for engine in (pair, Inline()):
        monkeypatch.setattr(tasks, "warm", {})
        with pytest.raises(SeparationError, match="yesterday") as failure:
            fakes.result_of(engine.run(tasks.load_model, order))
        assert failure.value.todo


def test_when_the_scheduler_dies_the_run_ends_with_a_sentence(tmp_path):
    engine = None
    with dask.config.set({"distributed.comm.timeouts.connect": "2s"}), pytest.raises(SeparationError, match="stopped"):
        with scheduler(tmp_path) as address, worker(tmp_path, address):
            engine = Cluster(address)
            steps = engine.run(fakes.work_until_stopped, tmp_path / "diary", 2_000, 0.05)
            while not isinstance(next(steps), SolverStep):
                pass
        fakes.result_of(steps)
    engine.close()


def test_whoever_asks_for_a_scheduler_that_is_gone_is_told_so_and_it_may_come_back(tmp_path):
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}), ExitStack() as engines:
        with scheduler(tmp_path) as address, worker(tmp_path, address):
            engine = engines.enter_context(closing(Cluster(address)))
            task = engine.start(Call(fakes.work_until_stopped, (tmp_path / "diary", 2_000, 0.05)))
            assert engine.width("cpu") == 2
        with pytest.raises(SeparationError):
            fakes.result_of(task.follow())

        def refused() -> bool:
            try:
                engine.width("cpu")
            except SeparationError as error:
                assert "KeyError" not in str(error)
                return bool(error.todo)
            return False  # Dask tries to reach it again, and meanwhile answers from memory

        wait_until(refused, "the refusal of whoever asks", 60)
        with pytest.raises(SeparationError):
            assert engine.address
        task.close(patience_s=1.0)
        with scheduler(tmp_path, port=address.rpartition(":")[2]), worker(tmp_path, address):
            assert engine.width("cpu") == 2


@pytest.mark.parametrize("content", ["not a certificate", "", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_tls_files_that_are_none_are_named(tmp_path, content):
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "certificate", "key")}
    for file in files.values():
        file.write_text(content)
    with pytest.raises(SettingsError, match=r"certificate\.pem'"):
        Tls(**files)


def test_a_worker_whose_scheduler_is_gone_in_the_middle_of_its_work_says_so_in_one_sentence(tmp_path):
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}), ExitStack() as longer:
        with scheduler(tmp_path) as address:
            left = longer.enter_context(worker(tmp_path, address))
            engine = longer.enter_context(closing(Cluster(address)))
            # Whether Dask complains of the scheduler is a matter of moments; here it does in any case.
            steps = engine.run(fakes.work_with_a_fault_of_dask, tmp_path / "diary")
            while not isinstance(next(steps), SolverStep):
                pass
        assert left.wait() == 6
    working, *said = left.said().splitlines()
    assert working.startswith("Working for")
    again = "Start this worker again when the scheduler is there."
    assert said == [f"SeparationError: The scheduler at {address} is gone. {again}"]


def test_a_worker_that_is_interrupted_stops(tmp_path):
    with scheduler(tmp_path) as address, worker(tmp_path, address) as interrupted:
        assert interrupted.interrupt() == 0
        assert "Stopped." in interrupted.said()
        assert "Traceback" not in interrupted.said()


# TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority and one certificate for everybody, made as an administrator would."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificates")
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2")
    openssl("req", *new, "-keyout", "own.key", "-out", "own.csr", "-subj", "/CN=studio")
    sign = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
    openssl("x509", "-req", "-in", "own.csr", *sign, "-out", "own.pem")
    return Tls(ca=folder / "ca.pem", certificate=folder / "own.pem", key=folder / "own.key")


def test_over_tls_the_job_is_done_and_whoever_has_no_certificate_is_refused(tmp_path, certificates):
    dask_names = ("--tls-ca-file", "--tls-cert", "--tls-key")
    our_names = ("--scheduler-ca", "--scheduler-certificate", "--scheduler-key")
    files = [str(path) for path in (certificates.ca, certificates.certificate, certificates.key)]
    theirs = [word for pair in zip(dask_names, files, strict=True) for word in pair]
    ours = [word for pair in zip(our_names, files, strict=True) for word in pair]
    with scheduler(tmp_path, "--protocol", "tls", *theirs) as address, worker(tmp_path, address, *ours):
        assert address.startswith("tls://")
        engine = Cluster(address, tls=certificates)
        assert_same_bytes(extract(MIXTURE, BUILTIN, engine=engine), extract(MIXTURE, BUILTIN))
        engine.close()
        with pytest.raises(SeparationError, match="TLS"):
            Cluster(address).width("auto")


def test_an_authority_that_is_none_is_named(tmp_path, certificates):
    (tmp_path / "ca.pem").write_text("nobody")
    with pytest.raises(SettingsError, match=r"ca\.pem' is not the certificate of an authority"):
        Tls(ca=tmp_path / "ca.pem", certificate=certificates.certificate, key=certificates.key)


def test_a_tls_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.pem"):
        Tls(ca=tmp_path / "nowhere.pem", certificate=tmp_path / "c.pem", key=tmp_path / "k.pem")


def test_half_of_the_tls_options_is_refused(tmp_path):
    from tests.support.terminal import audio_playground

    (tmp_path / "ca.pem").touch()
    ended = audio_playground(
        "worker", "--scheduler", "tls://127.0.0.1:1", "--scheduler-ca", tmp_path / "ca.pem", status=2
    )
    assert "not complete" in ended.output


def test_a_worker_without_a_scheduler_to_work_for_ends_with_a_sentence(monkeypatch):
    from tests.support.terminal import audio_playground

    monkeypatch.setattr("separation.cli.worker.PATIENCE_S", 1)
    ended = audio_playground("worker", "--scheduler", "tcp://127.0.0.1:9", "--device", "cpu", status=6)
    assert "no Dask scheduler at tcp://127.0.0.1:9" in ended.output


def test_every_worker_offers_one_model_at_a_time():
    assert resources(["cpu", "cuda"]) == {"model": 1, "cpu": 1, "cuda": 1}


# Other computers


@pytest.fixture
def computers():
    """Three network namespaces on one bridge, with 10.77.0.1 to 10.77.0.3: what puts a command into each."""
    names = [f"playground-{os.getpid()}-{number}" for number in range(3)]
    bridge = f"pg{os.getpid()}"[:12]

    def ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True)

    try:
        ip("link", "add", bridge, "type", "bridge")
        ip("link", "set", bridge, "up")
        for number, name in enumerate(names):
            ip("netns", "add", name)
            ip("link", "add", f"{bridge}-{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"{bridge}-{number}", "master", bridge, "up")
            ip("-n", name, "address", "add", f"10.77.0.{number + 1}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        ip("address", "add", "10.77.0.254/24", "dev", bridge)
        yield [("ip", "netns", "exec", name) for name in names]
    except (OSError, subprocess.CalledProcessError) as failure:
        pytest.skip(f"this machine makes no network namespaces: {failure}")
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)
        subprocess.run(["ip", "link", "delete", bridge], capture_output=True)


def test_workers_on_other_computers_share_a_job_and_one_may_be_switched_off(tmp_path, computers):
    with ExitStack() as processes:
        address = processes.enter_context(scheduler(tmp_path, inside=computers[0], host="10.77.0.1"))
        processes.enter_context(worker(tmp_path, address, "--device", "cpu", inside=computers[1]))
        doomed = processes.enter_context(worker(tmp_path, address, "--device", "cpu", inside=computers[2]))
        engine = Cluster(address)
        assert engine.width("cpu") == 3
        finishes_although_one_is_switched_off(engine, doomed)
