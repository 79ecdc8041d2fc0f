"""The built-in network on several cores: each takes a share of the rows, and the sound is what one core makes."""

from __future__ import annotations

import threading

import pytest
import torch

from separation.models.builtin.network import NetworkShape, SeparatorNetwork
from separation.models.builtin.separator import separate
from separation.models.builtin.side_by_side import by_rows

SMALL = NetworkShape(channels=16, layers=1, head=16)


@pytest.fixture(autouse=True)
def three_cores():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
def test_three_cores_make_the_stems_that_one_makes():
    torch.manual_seed(0)
    network, mixture = SeparatorNetwork(SMALL).eval(), noise(2, 30_000)
    together = separate(network, mixture)
    torch.set_num_threads(1)
    torch.testing.assert_close(together, separate(network, mixture), atol=1e-6, rtol=0)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 7])
@torch.inference_mode()
def test_rows_are_shared_among_threads_that_use_one_core_each(n_rows):
    used = {}

    def doubled(rows):
        used[threading.get_ident()] = torch.get_num_threads()
        return 2 * rows

    batch = noise(2, n_rows, 4, 5).transpose(2, 3)
    assert torch.equal(by_rows(doubled, batch), 2 * batch)
    assert set(used.values()) == {1}
    assert threading.get_ident() not in used and len(used) <= min(n_rows, 3)
    assert torch.get_num_threads() == 3


@torch.inference_mode()
def test_a_thread_that_begins_later_still_has_all_cores():
    torch.set_num_threads(4)  # which no other test has, so that threads are made for it
    by_rows(torch.neg, noise(1, 4, 2))
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert found == [4]


@torch.inference_mode()
def test_an_error_in_a_share_is_an_error_of_the_whole():
    def refuse(rows):
        raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        by_rows(refuse, noise(1, 3, 2))


def test_gradients_go_through_the_network_in_one_piece():
    inputs = noise(1, 3, 2).requires_grad_()
    by_rows(torch.square, inputs).sum().backward()
    torch.testing.assert_close(inputs.grad, 2 * inputs.detach())
