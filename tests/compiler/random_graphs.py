"""Random computations: programs of 5 to 60 ops over random shapes, drawn by hypothesis."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import glassgrad as gg

LARGEST = 2000
"""Elements of a value; larger results are not built."""

Step = tuple[str, Callable[..., Any], tuple[int, ...]]
"""What is done, for reading a failure, how, and to which of the values before."""


@dataclass(frozen=True)
class Program:
    """A straight line of steps over some arrays. All values that nothing reads are results."""

    shapes: tuple[tuple[int, ...], ...]
    steps: tuple[Step, ...]
    results: tuple[int, ...]

    def __call__(self, *inputs: Any) -> list[Any]:
        values = list(inputs)
        for _, function, sources in self.steps:
            values.append(function(*(values[source] for source in sources)))
        return [values[result] for result in self.results]

    def loss(self, *inputs: Any) -> Any:
        """One number that depends smoothly on every result."""
        parts = [gg.sum(gg.tanh(result)) for result in self(*inputs) if result.dtype.kind == "f"]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def __repr__(self) -> str:
        count = len(self.shapes)
        lines = [f"v{i}: {shape}" for i, shape in enumerate(self.shapes)]
        for place, (name, _, sources) in enumerate(self.steps, count):
            lines.append(f"v{place} = {name}({', '.join(f'v{s}' for s in sources)})")
        return "\n".join([*lines, f"results: {self.results}"])


# every formula keeps values of moderate size moderate, so that differences stay rounding errors
UNARY: dict[str, Callable[[Any], Any]] = {
    "tanh": gg.tanh,
    "sin": gg.sin,
    "sigmoid": gg.sigmoid,
    "exp of -|x|": lambda x: gg.exp(-gg.abs(x)),
    "log of 1 + x²": lambda x: gg.log(1.0 + x * x),
    "square root": lambda x: gg.sqrt(x * x + 0.5),
    "relu": gg.nn.functional.relu,
    "scaled": lambda x: x * 0.5 - 0.25,
    "negative": lambda x: -x,
    "reciprocal": lambda x: 1.0 / (1.0 + x * x),
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: (x + y) * 0.5,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: gg.tanh(x) * y,
    "divide": lambda x, y: x / (1.0 + y * y),
    # against a constant: that x and y are equal may follow from algebra, and then rounding would choose
    "where": lambda x, y: gg.where(x > 0.37, x, y * 0.5),
    "maximum": gg.maximum,
    "minimum": lambda x, y: gg.minimum(x, y),
}


PRODUCTS: dict[tuple[str, str], Callable[[Any, Any], Any]] = {
    ("x", "y"): lambda x, y: x @ y,
    ("x.mT", "y"): lambda x, y: x.mT @ y,
    ("x", "y.mT"): lambda x, y: x @ y.mT,
    ("x.mT", "y.mT"): lambda x, y: x.mT @ y.mT,
}


def as_key(part: Any) -> Any:
    return gg.asarray(part) if isinstance(part, np.ndarray) else part


def reduced(name: str, axes: tuple[int, ...], keepdims: bool) -> Callable[[Any], Any]:
    kinds = {"mean": gg.mean, "max": gg.max, "min": gg.min, "softmax": None}
    kind = kinds[name]
    if kind is None:
        return lambda x: gg.exp(x - gg.logsumexp(x, axis=axes[0], keepdims=True))
    return lambda x: kind(x, axis=axes, keepdims=keepdims)


def _sizes(count: int) -> Any:
    return st.lists(st.integers(1, 5), min_size=0, max_size=count).map(tuple)


class _Builder:
    """Values known by their shapes only, and how to draw one more."""

    def __init__(self, draw: Any, shapes: list[tuple[int, ...]]) -> None:
        self.draw, self.shapes, self.steps = draw, shapes, list[Step]()

    def add(self, name: str, function: Any, *sources: int) -> None:
        specs = [gg.Spec(self.shapes[source]) for source in sources]
        (output,) = gg.trace(function, *specs).outputs
        if 0 < output_size(output.shape) <= LARGEST and len(output.shape) <= 5:
            self.shapes.append(output.shape)
            self.steps.append((name, function, sources))

    def pick(self, accepts: Callable[[tuple[int, ...]], bool] = lambda shape: True) -> int | None:
        places = [place for place, shape in enumerate(self.shapes) if accepts(shape)]
        # late values more often: deep graphs rather than wide ones
        return None if not places else places[-1 - min(self.draw(st.integers(0, 12)), len(places) - 1)]

    def unary(self) -> None:
        name = self.draw(st.sampled_from(sorted(UNARY)))
        self.add(name, UNARY[name], self.pick() or 0)

    def binary(self) -> None:
        first = self.pick() or 0
        second = self.pick(lambda shape: fit(shape, self.shapes[first]))
        name = self.draw(st.sampled_from(sorted(BINARY)))
        if second is not None:
            self.add(name, BINARY[name], *self.draw(st.permutations([first, second])))

    def reduction(self) -> None:
        source = self.pick(lambda shape: len(shape) > 0)
        if source is not None:
            ndim = len(self.shapes[source])
            axes = tuple(sorted(self.draw(st.sets(st.integers(0, ndim - 1), min_size=1))))
            name = self.draw(st.sampled_from(["mean", "max", "min", "softmax"]))
            keepdims = self.draw(st.booleans())
            self.add(f"{name} over {axes}", reduced(name, axes, keepdims), source)

    def product(self) -> None:
        first = self.pick(lambda shape: len(shape) >= 2)
        if first is None:
            return
        left, right = self.draw(st.sampled_from(sorted(PRODUCTS)))
        shape = self.shapes[first]
        width = shape[-1] if left == "x" else shape[-2]
        place = -2 if right == "y" else -1

        def fits(other: tuple[int, ...]) -> bool:
            return len(other) >= 2 and other[place] == width and fit(shape[:-2], other[:-2])

        second = self.pick(fits)
        if second is None:
            self.add("x @ x.mT / size", lambda x: x @ x.mT / x.shape[-1], first)
            return
        function = PRODUCTS[left, right]
        self.add(f"{left} @ {right} / {width}", lambda x, y: function(x, y) / width, first, second)
        third = self.pick(lambda other: fits(other) and other == self.shapes[second])
        if third is not None and self.draw(st.booleans()):
            self.add(
                f"sum of {left} @ {right}",
                lambda x, y, z: (function(x, y) + function(x, z)) / (2 * width),
                *(first, second, third),
            )

    def window(self) -> None:
        source = self.pick(lambda shape: len(shape) >= 2)
        if source is None:
            return
        shape = self.shapes[source]
        channels, height, width = (1, 1, *shape)[-3:]
        size = self.draw(st.integers(1, 3))
        stride, padding = self.draw(st.integers(1, 2)), self.draw(st.integers(0, 1))
        reach = size
        kind = self.draw(st.sampled_from(["conv2d", "conv2d", "max_pool2d", "avg_pool2d"]))
        if kind == "conv2d":
            dilation = self.draw(st.integers(1, 2))
            reach = dilation * (size - 1) + 1
        elif 2 * padding > size:
            return
        if min(height, width) + 2 * padding < reach:
            return
        images = (-1, channels, height, width)
        if kind != "conv2d":
            pooled = getattr(gg.nn.functional, kind)
            self.add(
                f"{kind} {size, stride, padding} of {images}",
                lambda x: pooled(gg.reshape(x, images), size, stride, padding),
                source,
            )
            return
        groups = self.draw(st.sampled_from([1, channels]))
        taps = (channels // groups, size, size)
        known = np.sin(np.arange(2 * groups * output_size(taps))).reshape(2 * groups, *taps)
        other = self.pick() or 0

        def convolved(x: Any, y: Any) -> Any:
            kernel = gg.asarray(known.astype(x.dtype)) + gg.tanh(gg.mean(y))
            found = gg.nn.functional.conv2d(
                gg.reshape(x, images),
                kernel,
                stride=stride,
                padding=padding,
                dilation=dilation,
                groups=groups,
            )
            return found / output_size(taps)

        self.add(f"conv2d {size, stride, padding, dilation, groups} of {images}", convolved, source, other)

    def chosen(self) -> None:
        source = self.pick(lambda shape: len(shape) > 0)
        if source is None:
            return
        shape = self.shapes[source]
        axis = self.draw(st.integers(0, len(shape) - 1))
        size = shape[axis]
        places = np.array(self.draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=6)))
        kind = self.draw(st.sampled_from(["take", "rows", "key", "two keys", "along", "running sum"]))
        if kind == "take":
            self.add(
                f"take {places} {axis}", lambda x: gg.take(x, gg.asarray(places % size), axis=axis), source
            )
        elif kind == "rows":
            rows = np.resize(places % shape[0], (2, shape[0] + 1))
            self.add(f"rows {rows.tolist()}", lambda x: gg.take(x, gg.asarray(rows), axis=0), source)
        elif kind == "key":
            key = (*[slice(None)] * axis, places)
            self.add(f"[{key}]", lambda x: x[tuple(map(as_key, key))], source)
        elif kind == "two keys" and len(shape) >= 2:
            first, second = places % shape[0], places % shape[1]
            self.add(f"[{first}, {second}]", lambda x: x[gg.asarray(first), gg.asarray(second)], source)
        elif kind == "along":
            where = np.broadcast_to(
                (places % size).reshape(-1, *[1] * (len(shape) - 1 - axis)),
                (*shape[:axis], len(places), *shape[axis + 1 :]),
            )
            self.add(
                f"along {axis} {places}",
                lambda x: gg.take_along_axis(x, gg.asarray(where.copy()), axis=axis),
                source,
            )
        else:
            self.add(f"running sum {axis}", lambda x: gg.cumulative_sum(x, axis=axis) / size, source)

    def view(self) -> None:
        source = self.pick(lambda shape: len(shape) > 0)
        if source is None:
            return
        shape = self.shapes[source]
        kind = self.draw(st.sampled_from(["permute", "reshape", "slice", "broadcast", "flip", "new axis"]))
        if kind == "permute":
            axes = tuple(self.draw(st.permutations(range(len(shape)))))
            self.add(f"permute {axes}", lambda x: gg.permute_dims(x, axes), source)
        elif kind == "reshape":
            sizes = self.draw(st.sampled_from([(-1,), (1, -1), (shape[-1], -1), (*shape[1:], shape[0])]))
            self.add(f"reshape {sizes}", lambda x: gg.reshape(x, sizes), source)
        elif kind == "slice":
            key = tuple(self.draw(slices(size)) for size in shape)
            self.add(f"slice {key}", lambda x: x[key], source)
        elif kind == "broadcast":
            wide = (self.draw(st.integers(1, 3)), *shape)
            self.add(f"broadcast to {wide}", lambda x: gg.broadcast_to(x, wide), source)
        elif kind == "flip":
            axis = self.draw(st.integers(0, len(shape) - 1))
            self.add(f"flip {axis}", lambda x: gg.flip(x, axis=axis), source)
        else:
            axis = self.draw(st.integers(0, len(shape)))
            self.add(f"new axis {axis}", lambda x: gg.expand_dims(x, axis=axis), source)

    def joined(self) -> None:
        source = self.pick(lambda shape: len(shape) > 0)
        if source is None:
            return
        axis = self.draw(st.integers(0, len(self.shapes[source]) - 1))
        if self.draw(st.booleans()):
            width = [(0, 0)] * len(self.shapes[source])
            width[axis] = (self.draw(st.integers(0, 2)), self.draw(st.integers(0, 2)))
            self.add(f"pad {width}", lambda x: gg.pad(x, width), source)
        else:
            self.add(f"concat with itself, {axis}", lambda x: gg.concat([x, x * 0.5], axis=axis), source)


def slices(size: int) -> Any:
    """A slice of an axis that leaves at least one element, or one of its places."""
    steps = st.sampled_from([1, 1, 2, -1, -2])
    starts = st.integers(0, size - 1)

    def made(start: int, step: int, whole: bool) -> slice:
        return slice(None, None, step) if whole else slice(start, None, step)

    return st.builds(made, starts, steps, st.booleans())


def output_size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def fit(left: tuple[int, ...], right: tuple[int, ...]) -> bool:
    """Whether two shapes can be broadcast against each other."""
    return all(a == b or 1 in (a, b) for a, b in zip(left[::-1], right[::-1], strict=False))


@st.composite
def programs(draw: Any) -> Program:
    """A program of 5 to 60 steps."""
    first = draw(_sizes(4))
    starts = [first, draw(st.sampled_from([first, first[1:], (), first[-1:]])), draw(_sizes(3))]
    builder = _Builder(draw, list(starts))
    kinds = ["unary", "unary", "binary", "binary", "reduction", "product", "view", "view", "joined"]
    kinds += ["product", "window", "chosen"]
    for _ in range(draw(st.integers(5, 60))):
        getattr(builder, draw(st.sampled_from(kinds)))()
    read = {source for _, _, sources in builder.steps for source in sources}
    results = tuple(place for place in range(len(builder.shapes)) if place not in read)
    return Program(tuple(starts), tuple(builder.steps), results)
