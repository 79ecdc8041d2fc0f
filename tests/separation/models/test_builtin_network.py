"""The built-in separator's network, with random weights: what holds whatever it has learned."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file

from separation.errors import BackendUnavailable
from separation.models.builtin import CLASSES
from separation.models.builtin.network import NetworkShape, SeparatorNetwork, features
from separation.models.builtin.revision import revision_of
from separation.models.builtin.separator import levelled, separate
from separation.models.builtin.spectra import N_BINS, N_GROUPS, grouped, istft, n_frames, stft, ungrouped
from separation.models.builtin.weights import read_network, write_network

SMALL = NetworkShape(channels=16, layers=1, head=16)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Two threads that wait for each other on a busy machine take minutes for what one does in seconds."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return SeparatorNetwork(SMALL).eval()


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("n_samples", [1, 1023, 1024, 1025, 4096, 9973])
def test_a_spectrum_goes_back_to_its_audio_at_any_length(n_samples):
    audio = noise(2, n_samples)
    spectrum = stft(audio)
    assert spectrum.shape == (2, n_frames(n_samples), N_BINS)
    torch.testing.assert_close(istft(spectrum, n_samples), audio, atol=1e-5, rtol=0)


def test_groups_of_bins_keep_the_energy_and_every_bin_has_its_group():
    power = noise(3, N_BINS).square()
    power[:, -1] = 0  # the bin at 22 kHz has no group of its own
    torch.testing.assert_close(grouped(power).sum(-1), power.sum(-1))
    steps = ungrouped(torch.arange(N_GROUPS).float())
    assert steps.shape == (N_BINS,)
    assert (steps.diff() >= 0).all() and set(steps.long().tolist()) == set(range(N_GROUPS))


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_masks_are_positive_and_sum_to_one(network, frames):
    power, off_centre = noise(2, frames, N_GROUPS).square(), torch.rand(2, frames, N_GROUPS)
    masks = network(power, off_centre)
    assert masks.shape == (2, len(CLASSES), frames, N_GROUPS)
    assert (masks > 0).all()
    torch.testing.assert_close(masks.sum(1), torch.ones(2, frames, N_GROUPS))


@pytest.mark.parametrize(("channels", "n_samples"), [(1, 1), (1, 5000), (2, 44_101)])
def test_the_stems_sum_to_the_mixture(network, channels, n_samples):
    mixture = noise(channels, n_samples)
    stems = separate(network, mixture)
    assert stems.shape == (len(CLASSES), channels, n_samples)
    torch.testing.assert_close(stems.sum(0), mixture, atol=1e-4, rtol=0)


def test_only_the_stems_that_are_wanted_are_made(network):
    mixture = noise(2, 9000)
    stems = dict(zip(CLASSES, separate(network, mixture), strict=True))
    torch.testing.assert_close(
        separate(network, mixture, ("vocals", "drums")), torch.stack([stems["vocals"], stems["drums"]])
    )


def test_levels_of_a_second_stay_and_those_of_many_seconds_go():
    frames = torch.ones(1, 600, 3)
    frames[:, ::20] = 100.0  # a beat of half a second
    faded = frames * 10 ** (-6 * torch.linspace(0, 1, 600)[None, :, None])
    flat = levelled(frames)
    torch.testing.assert_close(flat[:, 100:500], frames[:, 100:500], rtol=0.1, atol=0)
    seconds = levelled(faded).sum(-1)[0].unfold(0, 180, 60).mean(-1)
    assert seconds.max() / seconds.min() < 2
    assert levelled(torch.zeros(1, 5, 3)).abs().max() == 0


def test_silence_separates_into_silence(network):
    assert separate(network, torch.zeros(2, 10_000)).abs().max() == 0


def test_a_gain_on_the_mixture_is_a_gain_on_the_stems(network):
    mixture = 0.1 * noise(2, 30_000)
    torch.testing.assert_close(separate(network, 4 * mixture), 4 * separate(network, mixture), atol=1e-3, rtol=1e-3)


def test_silence_around_a_recording_changes_little(network):
    mixture = noise(2, 40 * 1024)
    around = torch.nn.functional.pad(mixture, (20 * 1024, 20 * 1024))
    inside = separate(network, around)[..., 20 * 1024 : -20 * 1024]
    torch.testing.assert_close(inside, separate(network, mixture), atol=0.05, rtol=0)


def test_both_channels_get_the_same_masks(network):
    mixture = noise(2, 30_000)
    swapped = separate(network, mixture.flip(0)).flip(1)
    torch.testing.assert_close(swapped, separate(network, mixture), atol=1e-5, rtol=0)


def test_mono_is_stereo_with_equal_channels(network):
    mono = noise(1, 30_000)
    stereo = separate(network, mono.repeat(2, 1))
    torch.testing.assert_close(stereo[:, :1], separate(network, mono), atol=1e-5, rtol=0)


def test_what_is_off_the_centre_is_told_apart():
    def off_centre(left, right):
        power, share = features(stft(torch.stack([left, right]))[None])
        return float((power * share).sum() / power.sum())

    sound = noise(30_000)
    assert off_centre(sound, sound) == pytest.approx(0, abs=1e-4)
    assert off_centre(sound, 0 * sound) == pytest.approx(0.5, abs=1e-3)
    assert off_centre(sound, -sound) == pytest.approx(1, abs=1e-4)


def test_a_network_comes_back_from_its_file(network, tmp_path):
    path = tmp_path / "network.safetensors"
    write_network(network, path, {"licence": "MIT"})
    again = read_network(path)
    assert again.shape == SMALL
    mixture = noise(2, 20_000)
    torch.testing.assert_close(
        separate(again, mixture), separate(network, mixture), atol=1e-2, rtol=0
    )  # half precision
    assert not any(parameter.requires_grad for parameter in again.parameters())


def test_other_weights_have_another_revision(network, tmp_path):
    paths = [tmp_path / "one", tmp_path / "two"]
    write_network(network, paths[0])
    with torch.no_grad():
        network.to_head.bias += 1
    write_network(network, paths[1])
    assert revision_of(paths[0]) != revision_of(paths[1])


def test_the_networks_default_size_fits_ten_megabytes(tmp_path):
    path = tmp_path / "network.safetensors"
    write_network(SeparatorNetwork(), path)
    assert path.stat().st_size < 10e6


def lacking_a_tensor(path):
    with_header = {"shape": '{"channels": 16, "layers": 1, "head": 16}', "classes": " ".join(CLASSES)}
    tensors = load_file(path)
    del tensors["to_head.bias"]
    save_file(tensors, path, metadata=with_header)


def of_other_classes(path):
    save_file(load_file(path), path, metadata={"shape": "{}", "classes": "cats dogs"})


@pytest.mark.parametrize(
    "spoil", [lacking_a_tensor, of_other_classes, lambda path: path.write_bytes(b"nothing"), lambda path: path.unlink()]
)
def test_damaged_weights_are_refused(network, tmp_path, spoil):
    path = tmp_path / "network.safetensors"
    write_network(network, path)
    spoil(path)
    with pytest.raises(BackendUnavailable, match="weights cannot be read"):
        read_network(path)
