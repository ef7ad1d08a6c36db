"""Winograd's algorithms: exact in fractions, and as machine code against sums in float64."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from planned import Planned

import glassgrad as gg
from glassgrad.compiler.kernels import Alone, Place, Units, contiguous
from glassgrad.compiler.llvm.contraction import choice
from glassgrad.compiler.llvm.contraction.convolution import ConvolutionCode
from glassgrad.compiler.llvm.contraction.plan import Processor
from glassgrad.compiler.llvm.contraction.transforms import MOST, Cut, algorithm
from glassgrad.compiler.llvm.contraction.winograd import WinogradCode
from glassgrad.compiler.llvm.nest import INDEX
from glassgrad.graph import Graph

RNG = np.random.default_rng(7)

BOUND = 1e-5
"""The largest error, relative to the largest value of the result."""


# --- the algorithms -----------------------------------------------------------------------------------------------------


def applied(matrix: Any, values: Any) -> list[Fraction]:
    return [sum((m * v for m, v in zip(row, values, strict=True)), Fraction(0)) for row in matrix]


def numbers(count: int) -> list[Fraction]:
    return [Fraction(int(n), 7) for n in RNG.integers(-50, 50, count)]


@pytest.mark.parametrize(
    ("taps", "outputs", "products"),
    [(t, n - t + 1, p) for t in MOST for p in range(t, MOST[t] + 1) for n in {max(t, p - 1), p}],
)
def test_one_axis_exactly(taps: int, outputs: int, products: int) -> None:
    """Each output is the sum of products of the taps and what they lie on, in fractions, without any error."""
    found = algorithm(outputs, taps, products)
    d, g = numbers(outputs + taps - 1), numbers(taps)
    planes = [u * v for u, v in zip(applied(found.filters, g), applied(found.images, d), strict=False)]
    wanted = [sum(g[a] * d[k + a] for a in range(taps)) for k in range(outputs)]
    assert applied(found.outputs, planes) == wanted


@pytest.mark.parametrize(("down", "across"), [((3, 5), (3, 4)), ((5, 4), (3, 2)), ((5, 3), (5, 4))])
def test_two_axes_exactly(down: tuple[int, int], across: tuple[int, int]) -> None:
    """The same along columns and rows, for (taps, outputs) of each."""
    (r, m), (s, n) = down, across
    d = [numbers(n + s - 1) for _ in range(m + r - 1)]
    g = [numbers(s) for _ in range(r)]

    def both(one: Any, other: Any, tile: Any) -> Any:
        rows = [applied(other, row) for row in tile]
        columns = [applied(one, column) for column in zip(*rows, strict=True)]
        return [list(row) for row in zip(*columns, strict=True)]

    one, other = algorithm(m, r, m + r - 1), algorithm(n, s, n + s - 1)
    u, v = both(one.filters, other.filters, g), both(one.images, other.images, d)
    products = [[a * b for a, b in zip(x, y, strict=True)] for x, y in zip(u, v, strict=True)]
    wanted = [
        [sum(g[a][b] * d[i + a][j + b] for a in range(r) for b in range(s)) for j in range(n)]
        for i in range(m)
    ]
    assert both(one.outputs, other.outputs, products) == wanted


@pytest.mark.parametrize("taps", MOST)
def test_floats_hold_the_matrices_of_images_and_outputs(taps: int) -> None:
    for outputs in range(1, MOST[taps] - taps + 2):
        for products in {outputs + taps - 1, min(outputs + taps, MOST[taps])}:
            found = algorithm(outputs, taps, products)
            entries = [entry for matrix in (found.images, found.outputs) for row in matrix for entry in row]
            assert all(Fraction(float(np.float32(float(entry)))) == entry for entry in entries)


@pytest.mark.parametrize("taps", MOST)
@pytest.mark.parametrize("outputs", range(1, 40))
def test_a_cut_covers_each_output_once(outputs: int, taps: int) -> None:
    cut = Cut(outputs, taps)
    covered = [
        tiles.start + number * tiles.outputs + place
        for tiles in cut.sizes
        for number in range(tiles.count)
        for place in range(tiles.outputs)
    ]
    assert covered == list(range(outputs))
    assert cut.products <= MOST[taps]
    assert sum(tiles.count for tiles in cut.sizes) == cut.count


# --- the code -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "CANDIDATES", [(WinogradCode, 1.0)])


def functions(padding: Any, groups: int = 1) -> dict[str, Any]:
    def conv(x: Any, w: Any) -> Any:
        return gg.convolution(x, w, padding=padding, groups=groups)

    return {
        "maps": lambda x, w, g: conv(x, w),
        "images": lambda x, w, g: gg.vjp(lambda x: conv(x, w), x)[1](g)[0],
        "filters": lambda x, w, g: gg.vjp(lambda w: conv(x, w), w)[1](g)[0],
    }


def arrays(
    images: tuple[int, ...], features: int, kernel: tuple[int, int], padding: Any, groups: int = 1
) -> list[Any]:
    x = RNG.normal(size=images)
    w = RNG.normal(size=(features, images[1] // groups, *kernel))
    maps = gg.convolution(gg.asarray(x), gg.asarray(w), padding=padding, groups=groups)
    return [a.astype(np.float32) for a in (x, w, RNG.normal(size=maps.shape))]


def program(function: Any, given: list[Any], order: Any = None) -> tuple[Planned, list[Any]]:
    """The program of a function that is one op, and what it reads. `order`: how results lie in memory."""
    graph = gg.trace(function, *(gg.Spec(a.shape, a.dtype) for a in given))
    original = Units._settle

    def settle(units: Units, node: Any, unit: int) -> None:
        original(units, node, unit)
        if order is not None and unit >= 0 and len(node.shape) == len(order):
            places = contiguous(tuple(node.shape[axis] for axis in order))
            units.places[node] = Place(
                node, 0, tuple(places[order.index(axis)] for axis in range(len(order)))
            )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Units, "_settle", settle)
        found = Planned(Graph(graph.inputs, graph.outputs))
    return found, given


def code_of(function: Any, given: list[Any]) -> Any:
    """The code of the only convolution in a function."""
    found, _ = program(function, given)
    (unit,) = (unit for unit in found.units.units if isinstance(unit, Alone))
    return choice.ChosenConvolution(unit, found.units).code


def check(given: list[Any], padding: Any, groups: int = 1, order: Any = None, bound: float = BOUND) -> None:
    for kind, function in functions(padding, groups).items():
        assert isinstance(code_of(function, given), WinogradCode), kind
        compiled, inputs = program(function, given, order)
        (found,) = compiled([np.ascontiguousarray(a) for a in inputs])
        wanted = function(*(gg.asarray(a.astype(np.float64)) for a in given)).numpy()
        assert found.shape == wanted.shape
        error = np.abs(np.array(found) - wanted).max() / np.abs(wanted).max()
        assert error < bound, (kind, error)


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize(
    ("images", "features", "kernel", "padding"),
    [
        ((2, 3, 8, 8), 4, (3, 3), 1),
        ((1, 1, 7, 9), 1, (3, 3), 0),
        ((2, 20, 13, 11), 50, (3, 3), 2),
        ((3, 64, 6, 14), 20, (3, 3), ((0, 1), (2, 0))),
        ((2, 20, 12, 12), 50, (5, 5), 0),
        ((1, 3, 9, 17), 20, (5, 5), 2),
        ((2, 1, 10, 5), 64, (5, 5), ((4, 1), (0, 3))),
        ((1, 5, 9, 7), 6, (5, 3), ((2, 1), (0, 2))),
        ((1, 17, 3, 33), 3, (3, 5), 1),
        ((1, 2, 3, 5), 3, (3, 5), 0),
    ],
)
def test_values(images: Any, features: int, kernel: Any, padding: Any) -> None:
    check(arrays(images, features, kernel, padding), padding)


@pytest.mark.usefixtures("forced")
def test_groups() -> None:
    check(arrays((2, 32, 9, 9), 64, (3, 3), 1, 2), 1, groups=2)


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("processor", [Processor(16, 16), Processor(32, 16), Processor(64, 32)])
def test_vectors_of_any_width(processor: Processor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glassgrad.compiler.llvm.contraction.winograd.this_processor", lambda: processor)
    check(arrays((2, 19, 9, 14), 21, (3, 3), 1), 1)


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("order", [(0, 2, 3, 1), (3, 2, 1, 0), (1, 0, 3, 2)])
def test_results_in_any_order_of_axes(order: Any) -> None:
    check(arrays((2, 19, 9, 7), 21, (3, 3), 1), 1, order=order)


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("axes", [(0, 3, 1, 2), (3, 2, 1, 0)])
def test_images_in_any_order_of_axes(axes: tuple[int, ...]) -> None:
    x, w, _ = arrays((2, 19, 9, 7), 21, (3, 3), 1)
    turned = np.ascontiguousarray(x.transpose(np.argsort(axes)))

    def function(x: Any, w: Any) -> Any:
        return gg.convolution(gg.permute_dims(x, axes), w, padding=1)

    compiled, inputs = program(function, [turned, w])
    (found,) = compiled(inputs)
    wanted = gg.convolution(gg.asarray(x.astype(float)), gg.asarray(w.astype(float)), padding=1).numpy()
    assert np.abs(found - wanted).max() < BOUND * np.abs(wanted).max()


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize(("kernel", "channels"), [(3, 512), (5, 256)])
def test_errors_stay_small_with_many_channels(kernel: int, channels: int) -> None:
    """Sums in runs: the error does not grow with the number of summands."""
    check(arrays((1, channels, 13, 13), 64, (kernel, kernel), 1), 1, bound=8e-6)


@pytest.mark.usefixtures("forced")
def test_blocks_of_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few bytes at a time: several blocks of images, the last with fewer."""
    monkeypatch.setattr("glassgrad.compiler.llvm.contraction.winograd.BESIDE", 1 << 16)
    given = arrays((7, 16, 9, 9), 16, (3, 3), 1)
    kinds = functions(1)
    assert all(len(code_of(kinds[kind], given).layout.blocks) > 1 for kind in ("maps", "images"))
    check(given, 1)


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("kind", ["maps", "images", "filters"])
def test_the_same_bits_whatever_pieces_are_done_together(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With phases cut at random places, their parts run in any order, nothing changes."""
    given = arrays((3, 20, 13, 10), 24, (3, 3), 1)
    function = functions(1)[kind]
    compiled, inputs = program(function, given)
    (wanted,) = compiled(inputs)
    write = WinogradCode.write

    def pieces(code: WinogradCode, phase: int, share: Any) -> None:
        count = code.phases[phase].pieces
        cuts = [0, *sorted({int(cut) for cut in RNG.integers(0, count + 1, 3)} - {0, count}), count]
        parts = list(pairwise(cuts))
        for place in RNG.permutation(len(parts)):
            share.begin, share.end = (INDEX(bound) for bound in parts[place])
            write(code, phase, share)

    monkeypatch.setattr(WinogradCode, "write", pieces)
    monkeypatch.setattr(WinogradCode, "key", property(lambda code: ("in parts", kind)))
    again, inputs = program(function, given)
    (found,) = again(inputs)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.usefixtures("forced")
def test_a_nan_reaches_its_tile_and_no_more() -> None:
    x, w, _ = arrays((2, 4, 15, 15), 4, (3, 3), 1)
    x[1, 2, 7, 7] = np.nan
    compiled, inputs = program(lambda x, w: gg.convolution(x, w, padding=1), [x, w])
    (found,) = compiled(inputs)
    spoilt = np.isnan(found)
    assert spoilt[1, :, 6:9, 6:9].all()  # its own windows: a NaN stays a NaN
    assert not spoilt[0].any()
    rows = {int(row) for row in np.nonzero(spoilt[1])[1]}
    assert rows <= set(range(5, 10))  # the one tile of five outputs that sees row 7


# --- what is chosen -----------------------------------------------------------------------------------------------------


def chosen(images: Any, features: int, kernel: Any, dtype: Any = np.float32, **options: Any) -> type:
    def function(x: Any, w: Any) -> Any:
        return gg.convolution(x, w, **options)

    w = np.zeros((features, images[1], *kernel), dtype)
    return type(code_of(function, [np.zeros(images, dtype), w]))


def test_many_channels_are_worth_it() -> None:
    assert chosen((8, 64, 27, 27), 64, (3, 3), padding=1) is WinogradCode
    assert chosen((8, 64, 27, 27), 64, (5, 5), padding=2) is WinogradCode


@pytest.mark.parametrize(
    ("kernel", "options"),
    [((3, 3), {"stride": 2}), ((3, 3), {"dilation": 2}), ((1, 1), {}), ((7, 7), {}), ((2, 2), {})],
)
def test_other_grids_are_summed_directly(kernel: Any, options: Any) -> None:
    assert chosen((8, 64, 27, 27), 64, kernel, **options) is ConvolutionCode


def test_float64_and_few_channels_are_summed_directly() -> None:
    assert chosen((8, 64, 27, 27), 64, (3, 3), np.float64) is ConvolutionCode
    assert chosen((8, 1, 27, 27), 4, (3, 3)) is ConvolutionCode
