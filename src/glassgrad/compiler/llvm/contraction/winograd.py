"""Convolutions of small filters by Winograd's algorithms, for all of which products of matrices do the work.

Images become planes, filters become planes, and for each pair of points their product over channels is a plane of the
result (`planes.py`). The gradient of the images is the same with flipped filters; that of the filters is the transposed
algorithm, in which the products go over tiles.

Errors: relative to the largest value of the result, up to 6e-6 for normally distributed images and filters of up to
512 channels, in all three directions; direct sums have 1e-6. Overflow comes earlier by three powers of ten. A NaN or an
infinity in an image reaches all outputs of the tiles that see it, at most 5 by 5 each, not only those whose windows
hold it; a NaN stays a NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from ....graph import Node
from ....graph.loops import Convolved
from ...homes import Place
from ..alone import AloneCode
from ..code import Phase, Share
from ..nest import INDEX
from .combiner import FLOAT
from .lines import Lines
from .planes import Planes, Walk, up_to, write_walk
from .runs import Block, Stack, Steps, blocked, write_products
from .taps import Taps, write_taps
from .tiled import this_processor
from .transforms import MOST, Cut

if TYPE_CHECKING:
    from ...kernels import Alone, Units

BESIDE = 16 << 20
"""Bytes of planes at a time, so that they come from the last cache."""
LONGEST = 256 << 10
"""Bytes that a row of tiles may take on the stack."""


@dataclass(frozen=True)
class Layout:
    """The transforms of a convolution, whichever of its parts is wanted."""

    spread: tuple[Walk, ...]
    """What becomes planes: images, or maps, or both."""
    taps: Taps
    gather: Walk | None
    """What planes become, unless it is filters."""
    blocks: tuple[int, ...]
    """How many images are done at a time."""


@dataclass(frozen=True)
class Step:
    """What a phase does, for so many images from `first` on."""

    what: str
    images: int = 0
    first: int = 0
    block: int = 0


class WinogradCode(AloneCode):
    """A convolution, its transpose in the images, or its transpose in the filters."""

    @classmethod
    def fits(cls, unit: Alone) -> bool:
        """Whether it can be done so: in float32 and two dimensions, windows side by side, without holes."""
        loops, node = unit.loops, unit.node
        assert isinstance(loops, Convolved)
        tensors = (node, *node.inputs)
        lanes = this_processor().vector_bytes // 4
        return (
            len(loops.kernel) == 2
            and all(taps in MOST for taps in loops.kernel)
            and {*loops.stride, *loops.dilation} == {1}
            and {tensor.dtype for tensor in tensors} == {np.dtype(np.float32)}
            and all(0 not in tensor.shape for tensor in tensors)
            and _columns(loops, node) % (1 if loops.groups == 1 else lanes) == 0
            and all(before < size for before, size in zip(loops.padding, loops.kernel, strict=True))
            and _width(loops, node) * 2 * max(MOST.values()) * lanes * 4 <= LONGEST
        )

    def __init__(self, unit: Alone, units: Units) -> None:
        loops = unit.loops
        assert isinstance(loops, Convolved)
        self.node = unit.node
        sources = [units.places[source] for source in self.node.inputs]
        out = units.places[self.node]
        self.reads = [place.owner for place in sources]
        self.owners = list(dict.fromkeys([*self.reads, out.owner]))
        lanes = this_processor().vector_bytes // 4
        self.layout = _layout(loops, self.node, sources, out, lanes)
        spread = [self._planes(walk, self.layout.blocks[0]) for walk in self.layout.spread]
        copies = 1 if self.layout.gather else len(self.layout.blocks)
        self.places = [0, self.layout.taps.elements * copies]
        """Where the planes of the filters, and then of each side, begin in the memory beside."""
        for planes in spread:
            self.places.append(self.places[-1] + planes.elements)
        self.scratch = 4 * self.places[-1]
        if self.layout.gather:
            self.scratch += 4 * self._planes(self.layout.gather, self.layout.blocks[0]).elements
        self.steps: list[Step] = []
        self.phases = self._phases(min(1.0, max(0.25, self.scratch / BESIDE)))

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        return "winograd", self.layout, tuple(self.owners.index(owner) for owner in self.reads)

    def _planes(self, walk: Walk, images: int) -> Planes:
        return Planes(walk.planes.cuts, images, walk.planes.channels)

    # --- phases -------------------------------------------------------------------------------------------------

    def _phases(self, far: float) -> list[Phase]:
        layout, first = self.layout, 0
        phases = []

        def add(step: Step, pieces: int, nanoseconds: float) -> None:
            self.steps.append(step)
            phases.append(Phase(pieces, nanoseconds, is_vectors=True))

        taps = layout.taps
        if layout.gather:
            add(Step("taps"), taps.pieces, taps.nanoseconds(0, far))
        for block, images in enumerate(layout.blocks):
            for number, walk in enumerate(layout.spread):
                part = walk.of(images)
                add(Step(f"spread{number}", images, first, block), part.pieces, part.nanoseconds(far))
            block_of, stacks = self.block(images), self.stacks(images)
            time = sum(block_of.nanoseconds(stack, far) for stack in stacks)
            pieces = sum(block_of.pieces(stack) for stack in stacks)
            add(Step("multiply", images, first, block), pieces, time)
            if layout.gather:
                part = layout.gather.of(images)
                add(Step("gather", images, first, block), part.pieces, part.nanoseconds(far))
            first += images
        if not layout.gather:
            add(Step("taps"), taps.pieces, taps.nanoseconds(len(layout.blocks), far))
        return phases

    def stacks(self, images: int) -> list[Stack]:
        """The products for a block of so many images, for each part of the planes."""
        taps = self.layout.taps
        one, other = self._sides(images)
        found = []
        for mine, yours in zip(one.parts, other.parts, strict=True):
            tiles = images * mine.down * mine.across
            across = len(mine.xs)
            sizes = len(mine.ys), across, taps.groups
            of_taps = (taps.points[1] * taps.step, taps.step, taps.summed * taps.width)
            of_mine = (across * mine.step, mine.step, taps.summed)
            of_yours = (across * yours.step, yours.step, taps.columns)
            if self.layout.gather:
                steps = zip(of_mine, of_taps, of_yours, strict=True)
                rows, summed = tiles, taps.summed
            else:
                steps = zip(of_mine, of_yours, of_taps, strict=True)
                rows, summed = taps.summed, tiles
            stack = Stack(sizes, tuple(Steps(*step) for step in steps), rows, taps.width, summed)
            found.append(stack)
        return found

    def block(self, images: int) -> Block:
        """What all of them have in registers at a time."""
        taps = self.layout.taps
        one, other = self._sides(images)
        if self.layout.gather:
            row, summand = Steps(one.channels, 0, other.channels), Steps(1, taps.width, 0)
        else:
            row, summand = Steps(1, 0, taps.width), Steps(one.channels, other.channels, 0)
        return blocked(self.stacks(images)[0], row, summand, taps.lanes, this_processor())

    def _sides(self, images: int) -> list[Planes]:
        walks = [*self.layout.spread, *([self.layout.gather] if self.layout.gather else [])]
        return [self._planes(walk, images) for walk in walks]

    # --- code ---------------------------------------------------------------------------------------------------

    def write(self, phase: int, share: Share) -> None:
        """Call the function of the phase's step."""
        step, builder, layout = self.steps[phase], share.builder, self.layout
        pieces = share.begin, share.end
        sides = [builder.gep(share.scratch, [INDEX(place)], source_etype=FLOAT) for place in self.places]
        sources = [share.pointers[owner] for owner in self.reads]
        out = share.pointers[self.node]
        if step.what == "taps":
            filters, copies = (sources[1], 0) if layout.gather else (out, len(layout.blocks))
            write_taps(builder, layout.taps, (filters, sides[0]), pieces, copies)
        elif step.what == "multiply":
            self._multiply(builder, step, sides, pieces)
        elif step.what == "gather":
            assert layout.gather is not None
            write_walk(builder, layout.gather.of(step.images), False, (out, sides[2]), pieces, step.first)
        else:
            number = int(step.what.removeprefix("spread"))
            walk = layout.spread[number].of(step.images)
            write_walk(builder, walk, True, (sources[number], sides[1 + number]), pieces, step.first)

    def _multiply(
        self, builder: ir.IRBuilder, step: Step, sides: Sequence[Any], pieces: tuple[Any, Any]
    ) -> None:
        taps = self.layout.taps
        one, other = self._sides(step.images)
        products = []
        for stack, mine, yours in zip(self.stacks(step.images), one.parts, other.parts, strict=True):
            of_taps = (mine.ys.start * taps.points[1] + mine.xs.start) * taps.step
            begins = mine.begin, of_taps, yours.begin
            products.append((stack, begins if self.layout.gather else (mine.begin, yours.begin, of_taps)))
        if self.layout.gather:
            left, right, out = sides[1], sides[0], sides[2]
        else:
            left, right = sides[1], sides[2]
            out = builder.gep(sides[0], [INDEX(step.block * taps.elements)], source_etype=FLOAT)
        write_products(builder, self.block(step.images), products, (left, right, out), pieces)


def _width(loops: Convolved, node: Node) -> int:
    """How many columns of an image a row of tiles sees."""
    outputs = (node.inputs[1] if loops.kind == "filters" else node).shape[3]
    return outputs + loops.kernel[1] - 1


def _columns(loops: Convolved, node: Node) -> int:
    """How many columns the matrices of each group have."""
    features = (node if loops.kind == "filters" else node.inputs[1]).shape
    return features[1] if loops.kind == "images" else features[0] // loops.groups


def _layout(loops: Convolved, node: Node, sources: Sequence[Place], out: Place, lanes: int) -> Layout:
    images, second = node.inputs
    kernel, groups = loops.kernel, loops.groups
    outputs = second.shape[2:] if loops.kind == "filters" else node.shape[2:]
    down, across = (Cut(size, taps) for size, taps in zip(outputs, kernel, strict=True))
    cuts = (down, across)
    begin = loops.padding
    if loops.kind == "images":
        begin = tuple(taps - 1 - before for taps, before in zip(kernel, begin, strict=True))
    seen = _walk(images, sources[0], cuts, (begin[0], begin[1]), True, lanes)
    if loops.kind == "filters":
        maps = _walk(second, sources[1], cuts, (0, 0), False, lanes)
        taps = _taps(node, out, cuts, groups, lanes, flipped=False)
        spread: tuple[Walk, ...] = (seen, maps)
        gather = None
        each = sum(walk.of(1).planes.elements for walk in spread)
        # as many bytes for the filters' planes of all blocks as for the images' planes of one
        per_block = max(1, round((images.shape[0] * taps.elements / each) ** 0.5))
    else:
        gather = _walk(node, out, cuts, (0, 0), False, lanes)
        taps = _taps(second, sources[1], cuts, groups, lanes, flipped=loops.kind == "images")
        spread = (seen,)
        per_block = 1
        each = seen.of(1).planes.elements + gather.of(1).planes.elements
    per_block = max(per_block, BESIDE // (4 * each), 1)
    size = _block_size(images.shape[0], per_block)
    blocks = [size] * (images.shape[0] // size)
    if rest := images.shape[0] % size:
        blocks.append(rest)
    return Layout(spread, taps, gather, tuple(blocks))


def _block_size(images: int, most: int) -> int:
    """How many images are done at a time: as many in all blocks, if that does not make them half as large."""
    most = min(most, images)
    return next((size for size in range(most, most // 2, -1) if images % size == 0), most)


def _walk(
    node: Node, place: Place, cuts: tuple[Cut, Cut], begin: tuple[int, int], overlaps: bool, lanes: int
) -> Walk:
    batch, channels, height, width = node.shape
    image, channel, row, step = place.strides
    cut = cuts[1]
    room = cut.outputs + (cut.taps - 1 if overlaps else 0)
    hidden = max(0, -begin[1])
    length = min(width - hidden, room - max(0, begin[1]))
    lines = Lines(length, step, channel, channels, lanes)
    planes = Planes(cuts, batch, up_to(channels, lanes))
    return Walk(planes, lines, height, row, image, place.offset + hidden * step, begin, overlaps)


def _taps(node: Node, place: Place, cuts: tuple[Cut, Cut], groups: int, lanes: int, flipped: bool) -> Taps:
    """The planes of filters, features side by side; if flipped, channels."""
    features, channels = node.shape[0] // groups, node.shape[1]
    feature, channel, down, across = place.strides
    if flipped:
        sizes, steps = (features, channels), (feature, channel)
    else:
        sizes, steps = (channels, features), (channel, feature)
    return Taps(
        cuts, groups, *sizes, feature * features, *steps, (down, across), place.offset, flipped, lanes
    )
