"""The device that work runs on: the fastest, or the one asked for, or an error that says what there is instead."""

from __future__ import annotations

import pytest

from separation.errors import BackendUnavailable
from separation.hardware.devices import choose_device, choose_torch_device


def choose(asked, *usable):
    here = {device: device in usable for device in ("cuda", "mps", "cpu")}
    return choose_device(asked, here, seen_by="The framework", otherwise="install another framework")


@pytest.mark.parametrize("usable", [("cpu",), ("mps", "cpu"), ("cuda", "mps", "cpu")])
def test_the_automatic_device_is_the_first_that_is_here(usable):
    assert choose("auto", *usable) == usable[0]


@pytest.mark.parametrize("asked", ["cpu", "mps", "cuda"])
def test_a_device_that_is_here_is_taken_when_asked_for(asked):
    assert choose(asked, "cuda", "mps", "cpu") == asked


@pytest.mark.parametrize("asked", ["cuda", "tpu"])
def test_a_device_that_is_not_here_is_named_with_those_there_are_and_what_to_do(asked):
    with pytest.raises(BackendUnavailable) as error:
        choose(asked, "mps", "cpu")
    assert str(error.value) == (
        f"There is no {asked} device here. The framework sees: mps, cpu. "
        "Choose the device “auto” or “cpu”, or install another framework."
    )


@pytest.mark.parametrize(("there", "chosen"), [((), "cpu"), (("mps",), "mps"), (("cuda", "mps"), "cuda")])
def test_with_pytorch_the_automatic_device_is_a_gpu_where_there_is_one(there, chosen, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: "cuda" in there)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: "mps" in there)
    assert choose_torch_device("auto") == chosen and choose_torch_device("cpu") == "cpu"


def test_an_error_of_pytorch_tells_its_version_which_may_be_one_for_processors_only(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.__version__", "2.9+cpu")
    with pytest.raises(BackendUnavailable, match=r"2\.9\+cpu.* sees: .*cpu.*install a PyTorch"):
        choose_torch_device("cuda")
