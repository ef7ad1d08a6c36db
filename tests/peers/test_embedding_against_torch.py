"""The embedding layer against PyTorch's."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed, and these tests compare with it")
from side_by_side import compare  # noqa: E402 - it imports torch


@pytest.mark.parametrize("padding_idx", [None, 0, 5, -1])
@pytest.mark.parametrize("shape", [(), (4,), (3, 5), (0, 2)])
def test_embedding(shape, padding_idx):
    indices = np.random.default_rng(0).integers(0, 9, shape)
    compare(
        nn.Embedding(9, 3, padding_idx, dtype=gg.float64),
        torch.nn.Embedding(9, 3, padding_idx, dtype=torch.float64),
        np.asarray(indices),
    )


def test_from_pretrained():
    table, indices = np.random.default_rng(0).normal(size=(5, 2)), np.array([4, 0, 4])
    for freeze in (False, True):
        ours, theirs = (
            package.Embedding.from_pretrained(make(table), freeze, padding_idx=4)
            for package, make in ((nn, gg.tensor), (torch.nn, torch.tensor))
        )
        assert ours.weight.requires_grad == theirs.weight.requires_grad == (not freeze)
        np.testing.assert_array_equal(ours(indices).numpy(), theirs(torch.tensor(indices)).detach().numpy())
