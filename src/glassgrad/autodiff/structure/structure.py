"""What a Jacobian looks like, without forming it: `gg.jacobian(f, structure=True)`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from ... import random
from ...errors import ArgumentError, DTypeError, GraphError, ShapeError
from ...ops.shape import reshape
from ...tensor import Lifted, Tensor, asarray, recording, variable
from ...tensor.dtype import DType
from ..batch import vmap
from ..called import name_of, require_tensors
from ..forward import jvp
from ..gradient import vjp
from ..member import live_stacks
from ..reverse import pull_back
from .column_sets import Ints
from .dependence import Dependence, dependence
from .pattern import LISTED, Blocks, Pattern

AT_ONCE = 1 << 22
"""How many numbers a stack of directions or of products may have."""


def structure_of(function: Callable[[Tensor], Any], x: Tensor) -> JacobianStructure:
    """The structure of the Jacobian of `function`, from one tensor to one tensor, at `x`."""
    if isinstance(x, Lifted) or live_stacks():
        raise GraphError(
            "jacobian(..., structure=True) looks at the graph of one run on known values: call it outside of gg.vmap, "
            "gg.jvp and what is built on them"
        )
    if x.dtype.kind != "f":
        raise DTypeError(f"jacobian(..., structure=True) needs a real float input; got {x.dtype}")
    leaf = variable(Tensor(x.value))
    repeated = _with_same_random_numbers(function)
    with recording(True):
        result = repeated(leaf)
    if isinstance(result, list | tuple | dict):
        raise ArgumentError(
            f"jacobian(..., structure=True) needs a function that returns one tensor; {name_of(function)} returned a "
            f"{type(result).__name__}"
        )
    require_tensors("jacobian", function, [result])
    if isinstance(result, Lifted) or result.dtype.kind == "c":
        raise DTypeError(
            f"jacobian(..., structure=True) needs a function that returns a real tensor; {name_of(function)} returned "
            f"{result.dtype}"
        )
    return JacobianStructure(repeated, leaf, result)


def _with_same_random_numbers(function: Callable[[Tensor], Any]) -> Callable[[Tensor], Any]:
    """A function that draws the same random numbers each time: dropout, say, drops the same elements."""
    first = random.get_state()

    def repeated(x: Tensor) -> Any:
        now = random.get_state()
        random.set_state(first)
        try:
            return function(x)
        finally:
            random.set_state(now)

    return repeated


class JacobianStructure:
    """A Jacobian known by its pattern: which entries can differ from 0, whatever the values are.

    The pattern is read off the graph of one run: of the path that Python took there, with the random numbers drawn
    there. It may have too many entries, never too few. Values are computed when they are asked for, by as few
    products with vectors (jvps, vjps) as the pattern allows, and carry no gradients.

    The matrix has one row for each element of the result and one column for each element of the input, in row-major
    order. `J @ v` and `J.T @ u` multiply without forming it.

    >>> J = gg.jacobian(gg.relu, structure=True)(gg.asarray([1.0, -2.0, 3.0]))
    >>> J
    <Jacobian: diagonal 3 × 3: 3 of 9 entries can differ from 0; 1 jvp gives them all>
    >>> J.diagonal
    tensor([1., 0., 1.])
    >>> J @ gg.asarray([10.0, 10.0, 10.0])
    tensor([10.,  0., 10.])
    """

    __array_ufunc__ = None  # so that a NumPy array on the left of @ does not take over

    def __init__(self, function: Callable[[Tensor], Any], leaf: Tensor, result: Tensor) -> None:
        self._function = function
        self._leaf = leaf
        self._result = result
        self._point = Tensor(leaf.value)
        found = dependence(result.as_node(), leaf.as_node())
        self._found: Dependence = found
        self._pattern = Pattern(found.rows, found.sets)
        self.shape: tuple[int, int] = self._pattern.shape
        """Elements of the result, elements of the input."""
        self.nonzeros: int = self._pattern.nonzeros
        """How many entries can differ from 0."""
        self.rank: int = min(found.width, len(self._pattern.filled), self.shape[1])
        """The rank is not larger than this: the size of the narrowest value on the way, if that is the least."""
        self.kind, self.jvps, self.vjps = self._classify()

    # --- what kind it is --------------------------------------------------------------------------------------------

    kind: str
    """"zero", "identity", "permutation", "selection", "diagonal", "permuted diagonal", "block diagonal", "banded",
    "cyclic banded" (a band that goes on around the corner), "low rank", "lower triangular", "upper triangular",
    "sparse" or "dense"."""
    jvps: int
    """How many jvps give all values, together with `vjps`."""
    vjps: int
    """How many vjps give all values, together with `jvps`."""

    def _classify(self) -> tuple[str, int, int]:
        """The kind, and how many jvps and vjps give its values."""
        pattern, (rows, columns) = self._pattern, self.shape
        if self.nonzeros == 0:
            return "zero", 0, 0
        if pattern.is_single:
            return self._single(), 0 if self._found.is_selection else 1, 0
        least = min(rows, columns)
        costs, areas = {"": least}, {"": rows * columns}
        if pattern.blocks is not None:
            costs["block diagonal"] = min(pattern.blocks.largest)
            areas["block diagonal"] = sum(p * q for p, q in pattern.blocks.shapes)
        if pattern.width <= least // 2 + 1:
            costs["banded"] = pattern.width
            areas["banded"] = pattern.width * least
        if 2 * self.rank < least and self.rank == self._found.width:
            costs["low rank"] = 2 * self.rank
            areas["low rank"] = self.nonzeros
        best = min(costs, key=lambda kind: (costs[kind], kind == ""))
        if 2 * self.nonzeros < areas[best] and self._colours is not None:
            colours = int(self._colours.max()) + 1
            if 2 * colours <= costs[best]:
                least_offset, offset = pattern.offsets_around
                around = rows == columns and (offset - least_offset + 1) * rows <= 2 * self.nonzeros
                return ("cyclic banded" if around else "sparse"), colours, 0
        if best == "low rank":
            return best, self.rank, self.rank
        if best == "block diagonal" and self._by_rows:
            return best, 0, costs[best]
        if best:
            return best, costs[best], 0
        below, above = pattern.bandwidths
        if rows == columns and (below <= 0 or above <= 0):
            return ("upper triangular" if below <= 0 else "lower triangular"), columns, 0
        return ("dense", columns, 0) if columns <= rows else ("dense", 0, rows)

    def _single(self) -> str:
        """The kind of a matrix with at most one entry in each row."""
        pattern, (rows, columns) = self._pattern, self.shape
        separate = len(np.unique(pattern.first)) == len(pattern.first)
        if self._found.is_selection:
            if not rows == columns == len(pattern.first) or not separate:
                return "selection"
            return "identity" if pattern.is_diagonal else "permutation"
        if pattern.is_diagonal:
            return "diagonal"
        return "permuted diagonal" if rows == columns and separate else "sparse"

    @property
    def _by_rows(self) -> bool:
        """Whether the blocks have fewer rows than columns, so that vjps are fewer than jvps."""
        p, q = self._blocks.largest
        return p < q

    @cached_property
    def _colours(self) -> Ints | None:
        return self._pattern.colours()

    @property
    def bandwidths(self) -> tuple[int, int]:
        """How far from the diagonal entries lie at most: (below, above). (0, 0) for a diagonal matrix.

        For a cyclic band around the corner: an entry in the upper right corner lies below the diagonal.
        """
        if self.kind == "cyclic banded":
            least, largest = self._pattern.offsets_around
            return -least, largest
        return (0, 0) if self.nonzeros == 0 else self._pattern.bandwidths

    @property
    def block_shapes(self) -> list[tuple[int, int]]:
        """The shapes of the separate blocks; the whole matrix if it is in one piece."""
        blocks = self._pattern.blocks if self.nonzeros else None
        return [self.shape] if blocks is None else blocks.shapes

    @cached_property
    def description(self) -> str:
        """A sentence: the kind, the size, how many entries can differ from 0, and what it takes to know them."""
        rows, columns = self.shape
        share = f"{self.nonzeros:,} of {rows * columns:,} entries can differ from 0"
        if self.kind == "zero":
            return f"zero {rows:,} × {columns:,}: the result does not depend on the input"
        if self.jvps == self.vjps == 0:
            return f"{self.kind} {rows:,} × {columns:,}: {share}; these are 1, and no jvp is needed"
        runs = [
            f"{count:,} {name}{'s' * (count > 1)}"
            for count, name in ((self.jvps, "jvp"), (self.vjps, "vjp"))
            if count
        ]
        give = "gives" if self.jvps + self.vjps == 1 else "give"
        return f"{self._kind_in_words()}: {share}; {' and '.join(runs)} {give} them all"

    def _kind_in_words(self) -> str:
        rows, columns = self.shape
        size = f"{rows:,} × {columns:,}"
        if self.kind in ("banded", "cyclic banded"):
            below, above = self.bandwidths
            width = below + above + 1
            return f"{self.kind} {size}, {width:,} diagonals from {below:,} below to {above:,} above the main one"
        if self.kind == "block diagonal":
            blocks = self._blocks
            shapes = blocks.shapes
            moved = "" if blocks.in_order else ", once rows and columns are sorted"
            if len(set(shapes)) > 1:
                return f"block diagonal {size}, {len(shapes):,} blocks of different shapes{moved}"
            (p, q) = shapes[0]
            least = min(p, q)
            ranks = self.rank // len(shapes)
            rank = (
                f" and of rank {ranks:,} at most" if self.rank == self._found.width and ranks < least else ""
            )
            return f"block diagonal {size}, {len(shapes):,} blocks of {p:,} × {q:,}{rank}{moved}"
        if self.kind == "low rank":
            node = self._found.bottleneck
            return (
                f"low rank {size}, rank {self.rank:,} at most, because everything passes through the "
                f"{node.op.name} of shape {node.shape} at {node.place}"
            )
        return f"{self.kind} {size}"

    def __repr__(self) -> str:
        return f"<Jacobian: {self.description}>"

    # --- products ---------------------------------------------------------------------------------------------------

    def __matmul__(self, vector: Any) -> Tensor:
        """J · v by one jvp. v has the input's shape, or is one axis; the product likewise."""
        v = _vector(vector, self._point, "the input")
        found: Tensor = jvp(self._function, (self._point,), (reshape(v, self._point.shape),))[1]
        return reshape(found, (found.size,)) if v.shape != self._point.shape else found

    @property
    def T(self) -> Transposed:  # noqa: N802 - the name that arrays have
        """The transposed Jacobian, for products by vjp."""
        return Transposed(self)

    def _products(self, directions: Any) -> Any:
        """J times each row of an array, as rows of an array."""
        x = self._point

        def along(direction: Tensor) -> Tensor:
            slope: Tensor = jvp(self._function, (x,), (direction,))[1]
            return reshape(slope, (slope.size,))

        return self._mapped(along, directions, x.shape, self.shape[0])

    def _transposed_products(self, upstream: Any) -> Any:
        """The transpose of J times each row of an array, as rows of an array."""
        result, pullback = vjp(self._function, self._point)

        def back(g: Tensor) -> Tensor:
            (found,) = pullback(g)
            return reshape(found, (found.size,))

        return self._mapped(back, upstream, result.shape, self.shape[1])

    def _mapped(
        self, multiply: Callable[[Tensor], Tensor], vectors: Any, shape: tuple[int, ...], length: int
    ) -> Any:
        step = max(1, AT_ONCE // max(1, *self.shape))
        parts = [
            vmap(multiply)(Tensor(vectors[i : i + step].reshape(-1, *shape))).numpy()
            for i in range(0, len(vectors), step)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, length), self._result.dtype)

    def _compressed(self, colours: Ints) -> Any:
        """J times the sum of the unit vectors of each colour."""
        return self._products(_units(colours, self._point.dtype))

    # --- values -----------------------------------------------------------------------------------------------------

    def _require(self, *kinds: str) -> None:
        if self.kind not in kinds:
            raise ArgumentError(
                f"this Jacobian is {self.kind}, not {' or '.join(kinds)}; .entries has the values of every kind, "
                f".dense() the whole matrix"
            )

    @cached_property
    def diagonal(self) -> Tensor:
        """The main diagonal of a diagonal or identity Jacobian, one number per column, by 1 jvp."""
        self._require("diagonal", "identity")
        return Tensor(self._compressed(self._column_colours())[0])

    @cached_property
    def bands(self) -> dict[int, Tensor]:
        """The diagonals of a banded (or diagonal) Jacobian by their offset: 0 the main one, -1 the one below it.

        A diagonal of a cyclic band has one number for each row i, in column i + offset modulo the size.
        """
        self._require("banded", "diagonal", "identity", "cyclic banded")
        rows, columns = self.shape
        if self.kind == "cyclic banded":
            return self._cyclic_bands()
        width, (below, above) = self._pattern.width, self.bandwidths
        found = self._compressed(np.arange(columns) % width)
        bands: dict[int, Tensor] = {}
        for offset in range(-below, above + 1):
            i = np.arange(max(0, -offset), min(rows, columns - offset))
            bands[offset] = Tensor(found[(i + offset) % width, i])
        return bands

    def _cyclic_bands(self) -> dict[int, Tensor]:
        below, above = self.bandwidths
        i, j, values = self.entries
        found = np.zeros((below + above + 1, self.shape[1]), self._result.dtype)
        found[(j - i + below) % self.shape[1], i] = values.numpy()
        return {offset: Tensor(band) for offset, band in zip(range(-below, above + 1), found, strict=True)}

    @cached_property
    def blocks(self) -> Any:
        """The blocks of a block diagonal Jacobian: a tensor (blocks, rows, columns), or a list if shapes differ."""
        self._require("block diagonal")
        blocks = self._blocks
        pairs = list(zip(blocks.rows, blocks.columns, strict=True))
        if self._by_rows:
            found = self._transposed_products(_units(_places(blocks.rows, self.shape[0]), self._result.dtype))
            parts = [found[: len(rows), columns] for rows, columns in pairs]
        else:
            found = self._compressed(_places(blocks.columns, self.shape[1]))
            parts = [found[: len(columns), rows].T for rows, columns in pairs]
        if len({part.shape for part in parts}) == 1:
            return Tensor(np.stack(parts))
        return [Tensor(np.ascontiguousarray(part)) for part in parts]

    @property
    def _blocks(self) -> Blocks:
        blocks = self._pattern.blocks
        assert blocks is not None
        return blocks

    @cached_property
    def block_places(self) -> list[tuple[Ints, Ints]]:
        """Rows and columns of each block of a block diagonal Jacobian."""
        self._require("block diagonal")
        return list(zip(self._blocks.rows, self._blocks.columns, strict=True))

    @cached_property
    def factors(self) -> tuple[Tensor, Tensor]:
        """Two matrices (rows, r) and (r, columns) whose product is a Jacobian of low rank.

        The second has orthonormal rows, which span those of the bottleneck's own Jacobian (r vjps); the first is
        the Jacobian times these (r jvps).
        """
        self._require("low rank")
        node, leaf = self._found.bottleneck, self._leaf.as_node()
        rows = []
        ones = (1, 1j) if node.dtype.kind == "c" else (1,)
        for place, one in product(range(int(np.prod(node.shape, dtype=np.int64))), ones):
            unit = np.zeros(node.shape, node.dtype)
            unit.reshape(-1)[place] = one
            found = pull_back({node: Tensor(unit)}, [leaf]).get(leaf)
            if found is not None:
                rows.append(found.numpy().reshape(-1))
        basis = np.linalg.qr(np.stack(rows).T)[0].T.astype(self._point.dtype)
        return Tensor(np.ascontiguousarray(self._products(basis).T)), Tensor(np.ascontiguousarray(basis))

    @cached_property
    def entries(self) -> tuple[Ints, Ints, Tensor]:
        """Row, column and value of every entry that can differ from 0, row by row, of any kind of Jacobian."""
        if self.nonzeros > LISTED:
            raise ArgumentError(
                f"{self.nonzeros:,} entries can differ from 0; they are listed up to {LISTED:,}. See .dense()."
            )
        rows, columns = self._pattern.listed()
        if self.kind in ("identity", "permutation", "selection", "zero"):
            return rows, columns, Tensor(np.ones(len(rows), self._result.dtype))
        if self.kind == "dense" and self.vjps:
            found = self._transposed_products(np.eye(self.shape[0], dtype=self._result.dtype))
            return rows, columns, Tensor(found[rows, columns])
        if self.kind == "block diagonal":
            return rows, columns, Tensor(self._in_blocks(rows, columns))
        colours = self._column_colours()
        return rows, columns, Tensor(self._compressed(colours)[colours[columns], rows])

    def _in_blocks(self, rows: Ints, columns: Ints) -> Any:
        """The values at some places within blocks."""
        blocks = self._blocks
        values = [block.numpy() for block in self.blocks]
        begins = np.cumsum([0, *(block.size for block in values)])
        widths = np.array([block.shape[1] for block in values])
        number = _numbers(blocks.rows, self.shape[0])[rows]
        i, j = _places(blocks.rows, self.shape[0])[rows], _places(blocks.columns, self.shape[1])[columns]
        return np.concatenate([block.reshape(-1) for block in values])[
            begins[number] + i * widths[number] + j
        ]

    def _column_colours(self) -> Ints:
        """A colour for each column so that columns of one colour meet in no row."""
        places = np.arange(self.shape[1])
        if self._pattern.is_single:
            return np.zeros_like(places)
        if self.kind == "banded":
            return places % self._pattern.width
        colours = self._colours if self.kind in ("sparse", "cyclic banded") else None
        return places if colours is None else colours

    def dense(self) -> Tensor:
        """The whole Jacobian, as `gg.jacobian` gives it: the result's shape followed by the input's."""
        from ..jacobian import jacobian

        found: Tensor = jacobian(self._function)(self._point)
        return found


class Transposed:
    """The transpose of a Jacobian; `J.T @ u` is one vjp."""

    __array_ufunc__ = None

    def __init__(self, jacobian: JacobianStructure) -> None:
        self.T = jacobian
        self.shape = jacobian.shape[::-1]

    def __matmul__(self, vector: Any) -> Tensor:
        """u · J, as a column. u has the result's shape, or is one axis; the product likewise."""
        whole = self.T
        u = _vector(vector, whole._result, "the result")
        (found,) = vjp(whole._function, whole._point)[1](reshape(u, whole._result.shape))
        gradient: Tensor = found
        return reshape(gradient, (gradient.size,)) if u.shape != whole._result.shape else gradient

    def __repr__(self) -> str:
        return f"<transpose of {self.T!r}>"


def _units(colours: Ints, dtype: DType) -> Any:
    """For each colour the sum of the unit vectors of its places."""
    found = np.zeros((int(colours.max()) + 1, len(colours)), dtype)
    found[colours, np.arange(len(colours))] = 1
    return found


def _places(groups: list[Ints], count: int) -> Ints:
    """For each of `count` items its place in its group."""
    found = np.zeros(count, np.int64)
    for group in groups:
        found[group] = np.arange(len(group))
    return found


def _numbers(groups: list[Ints], count: int) -> Ints:
    """For each of `count` items the number of its group."""
    found = np.zeros(count, np.int64)
    for number, group in enumerate(groups):
        found[group] = number
    return found


def _vector(vector: Any, like: Tensor, whose: str) -> Tensor:
    found = asarray(vector, None if hasattr(vector, "dtype") else like.dtype)
    if found.shape not in (like.shape, (like.size,)):
        raise ShapeError(
            f"this Jacobian multiplies a tensor of the shape of {whose}, {like.shape}, or with {like.size} elements in "
            f"one axis; got shape {found.shape}"
        )
    return found
