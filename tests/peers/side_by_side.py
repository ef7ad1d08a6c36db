"""A layer of ours beside PyTorch's with the same parameters: the same outputs, the same gradients."""

import numpy as np
import torch

import glassgrad as gg


def flat(outputs):
    """The tensors in nested tuples, in order, without None."""
    if isinstance(outputs, tuple | list):
        return [x for part in outputs for x in flat(part)]
    return [] if outputs is None else [outputs]


def rebuilt(example, leaves):
    """A nest of tuples like `example`, of arrays from an iterator."""
    if isinstance(example, tuple):
        return tuple(rebuilt(part, leaves) for part in example)
    return next(leaves)


def compare(ours, theirs, *inputs, rtol=1e-10, atol=1e-13, **options):
    """Compare all outputs, and the gradients of float inputs and parameters for random upstream gradients.

    inputs: arrays, or tuples of arrays. The parameters are PyTorch's, loaded as a state dict, so names and layouts are
    compared too.
    """
    if hasattr(theirs, "state_dict"):
        assert list(ours.state_dict()) == list(theirs.state_dict())
        ours.load_state_dict(theirs.state_dict())
        ours.train(theirs.training)
    arrays = flat(inputs)
    a = [gg.tensor(x, requires_grad=x.dtype.kind in "fc") for x in arrays]
    b = [torch.tensor(x, requires_grad=x.dtype.kind in "fc") for x in arrays]
    found = flat(ours(*rebuilt(inputs, iter(a)), **options))
    as_theirs = {name: torch.tensor(x) if isinstance(x, np.ndarray) else x for name, x in options.items()}
    expected = flat(theirs(*rebuilt(inputs, iter(b)), **as_theirs))
    assert len(found) == len(expected) > 0
    rng = np.random.default_rng(1)
    totals = [0.0, 0.0]
    for y, z in zip(found, expected, strict=True):
        np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=rtol, atol=atol)
        assert y.dtype == z.detach().numpy().dtype
        upstream = rng.normal(size=y.shape)
        totals = [totals[0] + gg.sum(y * gg.tensor(upstream)), totals[1] + (z * torch.tensor(upstream)).sum()]
    for total in totals:
        total.backward()
    for x, y in zip(a, b, strict=True):
        if y.requires_grad:
            np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=rtol, atol=atol)
    if hasattr(theirs, "state_dict"):
        for (name, p), (their_name, q) in zip(
            ours.named_parameters(), theirs.named_parameters(), strict=True
        ):
            assert name == their_name
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=rtol, atol=atol, err_msg=name)
