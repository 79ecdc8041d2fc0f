"""Training the built-in separator: sources, songs, mixtures, steps. Sounds here are of the program's own synthesis."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch

from assets.builtin.training import evaluating, exporting, holding_out
from assets.builtin.training.cache import cache_folder, replacing
from assets.builtin.training.composing import bass_part, compose, part
from assets.builtin.training.drumming import drum_part, play
from assets.builtin.training.effects import with_effects
from assets.builtin.training.electronic import (
    KINDS,
    electronic_bass_part,
    electronic_drums,
    electronic_stem,
    is_electronic,
)
from assets.builtin.training.kits import synthetic_kit
from assets.builtin.training.learning import Learner, Training, batches, loss
from assets.builtin.training.mastering import mastered
from assets.builtin.training.mixing import STEM_SAMPLES, Example, StemStore, draw_plan, realise
from assets.builtin.training.sources import SOURCES, TEST_ONLY, Source, check_licence
from assets.builtin.training.synthesis import draw_timbre, play_timbre
from assets.builtin.training.train import train
from assets.builtin.training.voices import formant_phrase
from separation.errors import PlaygroundError, SettingsError
from separation.metrics.reference import si_sdr
from separation.models.builtin import CLASSES, SAMPLE_RATE
from separation.models.builtin.network import NetworkShape
from separation.models.builtin.separator import separate
from separation.models.builtin.weights import read_network
from tests.support.damage import flip

TINY_SHAPE = NetworkShape(channels=16, layers=1, head=16)
HERE = torch.device("cpu")


def synthetic_stem(name, seed):
    """Twelve seconds of a class, without any package's sounds."""
    rng = np.random.default_rng((seed, CLASSES.index(name)))
    song = compose(np.random.default_rng(seed), 12.0)
    if name == "drums":
        audio = play(rng, drum_part(rng, song), synthetic_kit(rng), STEM_SAMPLES)
    elif name == "vocals":
        audio = np.concatenate([formant_phrase(rng, 0, (0, 2, 4, 5, 7, 9, 11)) for _ in range(9)])[:STEM_SAMPLES]
    else:
        notes = bass_part(rng, song) if name == "bass" else part(rng, song, "melody stabs", 48, 80)
        audio = with_effects(rng, play_timbre(rng, notes[:60], draw_timbre(rng, name), STEM_SAMPLES), name, song)
    audio = np.pad(audio, (0, STEM_SAMPLES - len(audio)))
    return np.asarray(audio / np.abs(audio).max() * 32000, np.int16)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Two threads that wait for each other on a busy machine take minutes for what one does in seconds."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def stems(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stems")
    for split, numbers in (("train", (0, 1)), ("test", (7,))):
        for name in CLASSES:
            (folder / split / name).mkdir(parents=True)
            for number in numbers:
                np.save(folder / split / name / f"{number:05d}.npy", synthetic_stem(name, number))
    return folder


# Sources


def test_every_source_has_a_licence_that_its_use_allows():
    for source in SOURCES:
        check_licence(source)
        assert source.attribution
    assert not {source.licence for source in SOURCES if source.split == "train"} & TEST_ONLY


def test_an_unknown_licence_is_refused():
    with pytest.raises(SettingsError, match="may not be used for the train set"):
        Source(name="x", package="x", licence="all rights reserved", attribution="x", split="train")


def test_copyleft_audio_is_refused_in_training_and_allowed_in_the_test_set():
    copyleft = next(source for source in SOURCES if source.licence == "GPL-2.0")
    with pytest.raises(SettingsError, match=r"GPL-2\.0"):
        replace(copyleft, split="train")


def test_no_soundfont_kit_or_voice_is_in_both_sets():
    places = {
        split: {(s.package, s.path) for s in SOURCES if s.split == split and s.path} for split in ("train", "test")
    }
    assert not places["train"] & places["test"]


# Songs


def test_a_song_is_its_seeds():
    songs = [compose(np.random.default_rng(seed), 12.0) for seed in (3, 3, 4)]
    assert songs[0] == songs[1] != songs[2]


@pytest.mark.parametrize("style", ["block", "pad", "stabs", "arpeggio", "strum", "power", "ballad", "melody"])
def test_a_part_stays_near_its_range_and_inside_the_song(style):
    rng = np.random.default_rng(1)
    song = compose(rng, 12.0)
    notes = part(rng, song, style, 48, 80)
    assert notes
    assert all(24 <= note.pitch <= 110 and 1 <= note.velocity <= 127 for note in notes)
    assert all(0 <= note.start_s < 12.0 + 4 * song.beat_s for note in notes)


def test_bass_parts_are_low():
    for seed in range(12):
        rng = np.random.default_rng(seed)
        assert all(note.pitch <= 60 for note in bass_part(rng, compose(rng, 12.0)))


@pytest.mark.parametrize("name", ["bass", "piano", "guitar", "strings", "other"])
def test_an_instrument_of_ours_sounds_at_the_pitch_it_is_asked_for(name):
    from assets.builtin.training.fluid import Note

    rng = np.random.default_rng(2)
    timbre = replace(draw_timbre(rng, name), vibrato_cents=0.0, fm_index=0.0, bend_semitones=0.0, noise=0.0, click=0.0)
    audio = play_timbre(rng, [Note(0.0, 1.0, 57, 100)], timbre, SAMPLE_RATE)  # A3, 220 Hz
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    loudest_hz = float(np.argmax(spectrum))  # one second: a bin is 1 Hz
    assert min(abs(loudest_hz / 220 - k) for k in range(1, 9)) < 0.03 * max(1, round(loudest_hz / 220))


# Mixtures


def test_the_same_seed_draws_the_same_mixture_and_another_seed_another(stems):
    store = StemStore(stems / "train")
    plans = [draw_plan(np.random.default_rng(seed), store.numbers) for seed in (5, 5, 6)]
    assert plans[0] == plans[1] != plans[2]
    for one, other in zip(realise(plans[0], store), realise(plans[1], store), strict=True):
        assert torch.equal(one, other)


def test_ideal_masks_lie_between_zero_and_one_and_only_where_a_class_is_present(stems):
    store = StemStore(stems / "train")
    for seed in range(4):
        example = realise(draw_plan(np.random.default_rng(seed), store.numbers), store)
        assert float(example.masks.min()) >= 0 and float(example.masks.max()) <= 1
        absent = example.present == 0
        assert float(example.masks[absent].abs().max()) == 0 if absent.any() else True
        assert float(example.weight.mean()) == pytest.approx(1, abs=1e-3)
        assert float(example.off_centre.max()) <= 1


def test_a_single_stem_owns_every_bin(stems):
    store = StemStore(stems / "train")
    plan = draw_plan(np.random.default_rng(0), store.numbers)
    alone = replace(plan, stems=tuple(stem for stem in plan.stems if stem.name == plan.stems[0].name)[:1])
    example = realise(alone, store)
    mean = float((example.masks[CLASSES.index(plan.stems[0].name)] * example.weight).mean())
    assert mean == pytest.approx(1, abs=1e-3)


def test_missing_stems_are_named(tmp_path):
    with pytest.raises(PlaygroundError, match="no stems of drums, bass"):
        StemStore(tmp_path)


# Steps


def test_the_loss_falls_when_it_trains(stems):
    training = Training(batch=2, rate=2e-2, workers=0)
    learner = Learner(training, TINY_SHAPE, HERE)
    (again,) = batches(StemStore(stems / "train"), training, 0, 1)
    costs = [learner.step(again) for _ in range(40)]
    assert costs[-1] < 0.6 * costs[0]
    assert learner.steps == 40


def test_two_steps_and_two_after_a_pause_are_four_steps(stems, tmp_path):
    training = Training(batch=2, workers=0)
    store = StemStore(stems / "train")
    straight = Learner(training, TINY_SHAPE, HERE)
    for example in batches(store, training, 0, 4):
        straight.step(example)
    paused = Learner(training, TINY_SHAPE, HERE)
    for example in batches(store, training, 0, 2):
        paused.step(example)
    paused.save(tmp_path / "pause.pt")
    resumed = Learner.resume(tmp_path / "pause.pt", HERE)
    for example in batches(store, training, resumed.steps, 2):
        resumed.step(example)
    for ours, theirs in ((resumed.network, straight.network), (resumed.mean, straight.mean)):
        assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def a_loud_and_a_quiet_stem():
    """Ideal masks of two classes, the second with a fiftieth of the energy, and their example."""
    ideal = torch.zeros(1, 7, 2, 100)
    ideal[:, 0, :, :98], ideal[:, 1, :, 98:] = 1, 1
    power = torch.ones(1, 2, 100)
    present = torch.zeros(1, 7)
    present[:, :2] = 1
    example = Example(power, torch.zeros_like(power), ideal, torch.ones_like(power), present)
    return ideal, example


def test_a_leak_into_an_absent_class_costs_the_more_the_louder_and_less_than_a_stem_taken_for_absent():
    ideal, example = a_loud_and_a_quiet_stem()

    def leaking(mask):
        masks = ideal.clone()
        masks[:, 5, :, 98:] = mask
        return float(loss(masks, example))

    missed = ideal.clone()
    missed[:, 1] = 0
    assert loss(ideal, example) < leaking(0.1) < leaking(0.5) < leaking(1.0) < loss(missed, example)


def test_a_quiet_stem_that_is_missed_costs_as_much_as_a_loud_one_beside_what_is_loud():
    ideal, example = a_loud_and_a_quiet_stem()
    lost, halved = ideal.clone(), ideal.clone()
    lost[:, 1], halved[:, 0] = 0, 0.87  # all of a fiftieth; as much energy of the rest
    assert loss(lost, example) > loss(halved, example) + 0.1


# Mastering


def test_pumping_pushes_down_all_but_the_drums():
    drums = torch.zeros(44_100)
    drums[10_000:10_100] = 1
    stems = torch.stack([drums, torch.full((44_100,), 0.3), torch.full((44_100,), -0.2)])
    pumped = mastered(stems, [True, False, False], 0.8, 0)
    assert torch.equal(pumped[0], drums)
    gain = pumped[1:] / stems[1:]
    torch.testing.assert_close(gain[0], gain[1])
    assert gain[0, 9_000] > 0.99 and gain[0, 10_112] < 0.25
    assert gain[0, 10_500] < gain[0, 14_000] < gain[0, 20_000] < 1.001


def test_a_driven_mix_is_bent_and_still_the_sum_of_its_stems():
    stems = torch.randn(3, 20_000, generator=torch.Generator().manual_seed(0))
    driven = mastered(stems, [False] * 3, 0, 2.0)
    peak = stems.sum(dim=0).abs().max()
    expected = torch.tanh(stems.sum(dim=0) * 2 / peak) * peak / 2
    torch.testing.assert_close(driven.sum(dim=0), expected, atol=1e-4, rtol=1e-3)
    assert torch.equal(mastered(stems, [True, False, False], 0, 0), stems)


# Electronic songs


@pytest.mark.parametrize("name", sorted(KINDS))
def test_an_electronic_stem_is_its_seed(name):
    song = compose(np.random.default_rng(3), 6.0)
    strokes = drum_part(np.random.default_rng(4), song)

    def stem(seed):
        rng = np.random.default_rng(seed)
        if name == "drums":
            return electronic_drums(rng, strokes, synthetic_kit(rng), 3 * 44_100)
        return electronic_stem(rng, name, song, 3 * 44_100)

    assert np.isfinite(stem(1)).all() and np.abs(stem(1)).max() > 0.01
    assert np.array_equal(stem(1), stem(1)) and not np.array_equal(stem(1), stem(2))


def test_electronic_basses_are_low_and_some_songs_are_electronic():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        notes = electronic_bass_part(rng, compose(rng, 12.0))
        assert notes and all(26 <= note.pitch < 64 and note.duration_s > 0 for note in notes)
    share = np.mean([is_electronic(1, number) for number in range(500)])
    assert 0.3 < share < 0.5


# Files


def test_a_killed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "latest.pt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_training_by_the_clock_ends_with_a_cooled_checkpoint_and_keeps_the_warm_one(stems, tmp_path):
    training = Training(batch=1, workers=0, rescan_steps=3)
    learner = Learner(training, TINY_SHAPE, HERE)
    checkpoint = tmp_path / "latest.pt"
    ticks = count()  # a clock of seconds that goes on by one whenever it is looked at
    train(learner, stems / "train", checkpoint, minutes=0.5, cooldown_minutes=0.25, clock=lambda: float(next(ticks)))
    warm, cooled = (Learner.resume(tmp_path / name, HERE) for name in ("before-cooldown.pt", "latest.pt"))
    assert warm.steps < cooled.steps == learner.steps


def test_the_cache_folder_follows_the_users_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "audio-playground-training"


# Figures


def test_held_out_mixtures_are_the_sum_of_their_stems_and_repeat(stems):
    first, again = (list(holding_out.held_out(stems / "test", 2)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.mixture, other.mixture)
        np.testing.assert_allclose(one.mixture, sum(one.stems.values()), atol=1e-6)
        assert 3 <= len(one.stems) <= 5


def test_mp3_comes_back_in_place(stems):
    (held,) = holding_out.held_out(stems / "test", 1)
    assert si_sdr(holding_out.through_mp3(held.mixture), held.mixture) > 10


def test_the_mixture_as_every_stem_improves_nothing_and_leaks_everything(stems):
    mixtures = list(holding_out.held_out(stems / "test", 2))

    def does_nothing(mixture):
        return dict.fromkeys(CLASSES, mixture)

    figures = evaluating.measure(does_nothing, mixtures)
    for found in figures.values():
        assert np.allclose(found.improvement, 0) and np.allclose(found.leak, 0)


def test_weights_and_card_come_out_of_a_checkpoint(stems, tmp_path, monkeypatch, capsys):
    training = Training(batch=1, workers=0)
    learner = Learner(training, TINY_SHAPE, HERE)
    learner.history.append({"steps": 25, "loss": 0.5, "minutes": 1.0})
    checkpoint = tmp_path / "latest.pt"
    learner.save(checkpoint)
    asked = ["x", "--checkpoint", str(checkpoint), "--stems", str(stems / "test"), "--mixtures", "1"]
    monkeypatch.setattr("sys.argv", asked)
    evaluating.main()
    report = json.loads((tmp_path / "evaluation-0.json").read_text())
    assert {"clean", "degraded", "classical"} <= report.keys()
    exporting.export(checkpoint, tmp_path / "evaluation-0.json", stems, tmp_path / "out")
    card = (tmp_path / "out" / "MODEL_CARD.md").read_text()
    for source in SOURCES:
        assert source.attribution in card and source.licence in card
    assert "share-alike" in card and "not offered" in card
    stems_of = separate(read_network(tmp_path / "out" / "network.safetensors"), torch.zeros(2, 5000))
    assert stems_of.shape == (7, 2, 5000)
    flip(tmp_path / "out" / "network.safetensors")
    with pytest.raises(PlaygroundError, match="not what was written"):
        read_network(tmp_path / "out" / "network.safetensors")


def test_a_card_is_not_made_from_another_checkpoints_figures(stems, tmp_path):
    learner = Learner(Training(batch=1, workers=0), TINY_SHAPE, HERE)
    learner.save(tmp_path / "latest.pt")
    (tmp_path / "evaluation-7.json").write_text('{"steps": 7}')
    with pytest.raises(PlaygroundError, match="not of these weights"):
        exporting.export(tmp_path / "latest.pt", tmp_path / "evaluation-7.json", stems, tmp_path / "out")
