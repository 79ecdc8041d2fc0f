"""What frameworks say when memory runs out or a graphics card gives up, as they say it."""

from __future__ import annotations

import errno

import numpy as np
import pytest

from separation.errors import DeviceFailed, OutOfMemory, SeparationError
from separation.hardware.failures import explain_failure

TORCH_CPU = (
    "[enforce fail at alloc_cpu.cpp:121] data. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "40000000000000 bytes. Error code 12 (Cannot allocate memory)"
)
TORCH_CUDA = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 7.78 GiB of which 1.00 GiB is free."
)
MPS = "MPS backend out of memory (MPS allocated: 8.2 GB, other allocations: 1 GB, max allowed: 9.07 GB)."
METAL = "[metal::malloc] Attempting to allocate 20000000000 bytes which is greater than the maximum allowed buffer size"
MISSING = "The operator 'aten::_foo' is not currently implemented for the MPS device. If you want this op to be added …"


@pytest.mark.parametrize(
    "failure",
    [
        MemoryError(),
        MemoryError("Unable to allocate 3.64 TiB for an array"),
        RuntimeError(TORCH_CPU),
        RuntimeError(TORCH_CUDA),
        RuntimeError(MPS),
        RuntimeError(METAL),
        RuntimeError("std::bad_alloc"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_no_memory_is_told_from_all_else_however_it_is_put(failure):
    error = explain_failure(failure, "separate")
    assert type(error) is OutOfMemory
    assert error.what and error.why and "shorter" in error.todo
    assert "\n" not in str(error)


def test_torch_and_numpy_still_say_it_in_these_ways():
    import torch

    with pytest.raises(RuntimeError) as of_torch:
        torch.empty(10**15)
    with pytest.raises(MemoryError) as of_numpy:
        np.empty(10**17)
    assert issubclass(torch.OutOfMemoryError, RuntimeError)
    for raised in (of_torch, of_numpy):
        assert isinstance(explain_failure(raised.value, "separate"), OutOfMemory)


@pytest.mark.parametrize("words", [TORCH_CUDA, MPS])
def test_weights_that_do_not_fit_a_graphics_card_are_a_matter_for_the_processor(words):
    # Shorter chunks would not help there.
    assert isinstance(explain_failure(RuntimeError(words), "load"), DeviceFailed)
    assert isinstance(explain_failure(RuntimeError(TORCH_CPU), "load"), OutOfMemory)


@pytest.mark.parametrize(
    "words",
    [
        MISSING,
        "CUDA error: no kernel image is available for execution on the device",
        "cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
        "Found no NVIDIA driver on your system.",
    ],
)
def test_what_only_a_graphics_card_cannot_do_is_told_from_all_else(words):
    kind = NotImplementedError if words is MISSING else RuntimeError
    error = explain_failure(kind(words), "separate")
    assert type(error) is DeviceFailed
    assert "“cpu”" in error.todo


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"),
        RuntimeError("he jumps over lamps and clamps"),
        ValueError("out of memory"),
        OSError(errno.ENOSPC, "No space left on device"),
        KeyError("cuda"),
        SeparationError("out of memory, says another piece of ours"),
    ],
)
def test_all_else_is_left_alone(failure):
    assert explain_failure(failure, "separate") is None
