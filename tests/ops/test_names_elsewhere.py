"""Names that NumPy and PyTorch have for what is here: what the message says to write computes the same."""

import numpy as np
import pytest

import glassgrad as gg

X = np.array([[3.0, 1.0, 0.0], [3.0, 5.0, 2.0]])

SAID = {
    "argwhere": ("gg.stack(gg.nonzero(x), axis=1)", np.argwhere(X)),
    "cumprod": ("gg.cumulative_prod(x, axis=axis)", np.cumprod(X, 1)),
    "cumsum": ("gg.cumulative_sum(x, axis=axis)", np.cumsum(X, 1)),
    "index_add": ("x.at[indices].add(values)", X + [[0], [2]]),
    "movedim": ("gg.moveaxis(x, source, destination)", X.T),
    "percentile": ("gg.quantile(x, percent / 100)", np.percentile(X, 30)),
    "put_along_axis": (
        "gg.scatter(x, indices, values, axis=axis)",
        np.array([[3.0, 1.0, 0.0], [3.0, 1.0, 2.0]]),
    ),
    "repeat_interleave": ("gg.repeat(x, repeats, axis=axis)", np.repeat(X, 2, 1)),
    "topk": ("gg.top_k(x, k, axis=axis)", np.array([[3.0, 1.0], [5.0, 3.0]])),
    "unbind": ("gg.unstack(x, axis=axis)", X[:, 0]),
    "unique": ("gg.unique_values(x)", np.unique(X)),
}


@pytest.mark.parametrize("name", SAID)
def test_what_to_write_instead(name):
    instead, wanted = SAID[name]
    with pytest.raises(AttributeError) as raised:
        getattr(gg, name)
    assert str(raised.value) == f"glassgrad has no {name!r}: write {instead}"
    names = {"gg": gg, "x": gg.asarray(X), "axis": 1, "source": 0, "destination": 1, "percent": 30}
    names |= {"repeats": 2, "k": 2, "values": 1.0, "indices": np.array([1, 1])}
    if name == "put_along_axis":
        names["indices"] = np.array([[1], [1]])
    found = eval(instead, names)
    found = found[0] if isinstance(found, tuple) else found
    assert np.allclose(found.numpy(), wanted, rtol=1e-14)
