"""Images in another size, in machine code, against eager ones, in every mode and layout."""

from typing import Any

import numpy as np
import pytest
from compared import assert_arrays_close, assert_same
from planned import Planned

import glassgrad as gg
from glassgrad.compiler.kernels import Alone
from glassgrad.ops.resample import Resample, ResampleTranspose, Stencil
from glassgrad.tensor import apply

RNG = np.random.default_rng(3)

STENCILS = {
    "nearest, larger": Stencil("nearest", 5, 8, 5 / 8, False),
    "nearest, smaller": Stencil("nearest", 8, 3, 8 / 3, False),
    "linear": Stencil("linear", 5, 12, 5 / 12, False),
    "linear, corners": Stencil("linear", 6, 4, 5 / 3, True),
    "cubic": Stencil("cubic", 7, 9, 7 / 9, False),
    "cubic, one element": Stencil("cubic", 1, 3, 1 / 3, False),
    "far apart: elements that nobody reads": Stencil("linear", 20, 2, 10.0, False),
}


def assert_right(op: Any, x: Any, view: Any = lambda x: x) -> None:
    program = Planned(gg.trace(lambda x: apply(op, view(x)), gg.Spec(x.shape, x.dtype)))
    assert all(isinstance(unit, Alone) for unit in program.units.units)
    wanted = op.forward(view(gg.asarray(x)).numpy())
    found = np.array(program([x])[0])
    assert found.dtype == wanted.dtype
    assert_arrays_close(found, wanted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("name", STENCILS)
def test_every_stencil_both_ways(name: str, axis: int, dtype: str) -> None:
    stencil = STENCILS[name]
    shape = [3, 2, 21]
    shape[axis] = stencil.length
    assert_right(Resample(axis, stencil), RNG.normal(size=shape).astype(dtype))
    shape[axis] = stencil.size
    assert_right(ResampleTranspose(axis, stencil), RNG.normal(size=shape).astype(dtype))


@pytest.mark.parametrize("shape", [(5,), (1, 5), (2, 5, 1)])
def test_few_axes(shape: tuple[int, ...]) -> None:
    axis = shape.index(5)
    assert_right(Resample(axis, STENCILS["linear"]), RNG.normal(size=shape))


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8"])
def test_integers(dtype: str) -> None:
    x = RNG.integers(0, 100, (2, 5, 3)).astype(dtype)
    assert_right(Resample(1, STENCILS["nearest, larger"]), x)


def test_views_are_read_where_they_lie() -> None:
    x = RNG.normal(size=(5, 4, 20))
    for view in (
        lambda x: gg.moveaxis(x, 0, 2),
        lambda x: gg.moveaxis(gg.flip(x, axis=2), 0, 2),
        lambda x: gg.broadcast_to(x[:, 0, :5], (3, 5, 5)),
        lambda x: x[::2, :, ::4],
    ):
        axis = view(gg.asarray(x)).shape.index(5)
        assert_right(Resample(axis, STENCILS["linear"]), x, view)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_images_and_their_gradients(mode: str) -> None:
    x = gg.asarray(RNG.normal(size=(2, 3, 6, 5)))

    def loss(x: Any) -> Any:
        return gg.sum(gg.interpolate(x, size=(9, 4), mode=mode) ** 3)

    assert_same(loss, x)
    assert_same(gg.grad(loss), x)
    assert_same(gg.grad(lambda x: gg.sum(gg.grad(loss)(x) ** 2)), x)
    assert_same(gg.vmap(gg.grad(lambda x: gg.sum(gg.interpolate(x[None], size=(9, 4), mode=mode) ** 3))), x)
