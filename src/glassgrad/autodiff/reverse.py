"""Reverse mode: upstream gradients travel from the output back to the inputs, one vjp per node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import GraphError, ShapeError
from ..graph import Graph, Leaf, Node, Origin, ancestors, caller, describe, notice
from ..ops.shape import astype
from ..tensor import Tensor, asarray
from ..tensor.staging import staging

Gradients = dict[Node, Tensor]


def pull_back(
    upstream: Gradients,
    targets: Iterable[Node] = (),
    *,
    order: Sequence[Node] | None = None,
    record: bool = False,
    keep: bool = False,
) -> Gradients:
    """The gradients of the nodes in `upstream`, weighted by it, for `targets`; without targets for every leaf.

    The search does not look behind the targets, nor at what does not depend on them. With `record` the gradients are
    themselves recorded, so that they can be differentiated again. With `keep` the gradients of all nodes stay in the
    result, not only those of leaves and targets. `order` is the ancestors of the outputs, if known already.

    One pass over the nodes in reverse topological order: a node's gradient is complete before it is passed on.
    """
    wanted = set(targets)
    gradients = dict(upstream)
    if order is None:
        order = ancestors(upstream, wanted)
    useful = _between(wanted, order) if wanted else None
    for node in reversed(order):
        sources = node.inputs
        g = gradients.get(node)
        if g is None or not sources or node in wanted:
            continue
        if useful is not None and node not in useful:
            continue
        if not keep and node._owner is None:
            del gradients[node]
        if node.freed is not None:
            raise _freed(node.freed)
        # nodes as tensors again: with their value if that was saved, and recorded if the gradients are to be
        value = node.value
        out = Tensor(value, node if record or value is None else None)
        inputs = []
        needed = []
        for source in sources:
            value = source.value
            inputs.append(Tensor(value, source if record or value is None else None))
            needed.append(source.requires_grad and (useful is None or source in useful))
        parts = node.op.vjp(tuple(needed), g, out, *inputs)
        for source, goes_on, part in zip(sources, needed, parts):  # noqa: B905 - the hot loop
            if goes_on and part is not None:
                known = gradients.get(source)
                gradients[source] = part if known is None else known + part
    return gradients


def seeds_of(outputs: Iterable[tuple[Tensor, Tensor]]) -> Gradients:
    """What `pull_back` starts from, for outputs with their upstream gradients; several of one node add up."""
    seeds: Gradients = {}
    for output, g in outputs:
        if output.node is not None and output.requires_grad:
            seeds[output.node] = seeds[output.node] + g if output.node in seeds else g
    return seeds


def _between(targets: set[Node], order: Sequence[Node]) -> set[Node]:
    """The targets and all nodes that depend on them; `order` is topological."""
    found = set(targets)
    for node in order:
        if not found.isdisjoint(node.inputs):
            found.add(node)
    return found


def _freed(place: Origin) -> GraphError:
    return GraphError(
        f"the graph behind this result was freed by the backward() at {describe(place)}. "
        f"Run the forward computation again, or pass retain_graph=True to that backward()."
    )


def backward(
    x: Tensor, upstream: Any = None, *, retain_graph: bool = False, create_graph: bool = False
) -> None:
    """Add the gradient of x to `.grad` of every tensor it was computed from that has `requires_grad=True`.

    `upstream` is the gradient of the loss with respect to x, in x's shape; it may be left out if x is a single real
    number. What the gradient of a complex tensor is, docs/complex.md says.

    The values that the graph saved are freed, unless `retain_graph=True`. With `create_graph=True` the gradients are
    recorded and can be differentiated again.

    Raises GraphError if nothing was recorded or the graph was freed, ShapeError if `upstream` does not fit. Warns if
    an op such as `round` let no gradient pass to any variable.

    >>> import glassgrad as gg
    >>> x = gg.tensor(3.0, requires_grad=True)
    >>> (x * x).backward()
    >>> x.grad
    tensor(6.)
    """
    output = _recorded_node(x)
    order = ancestors([output])
    gradients = pull_back({output: as_upstream(x, upstream)}, order=order, record=create_graph)
    reached = False
    trace = staging()
    for node in order:
        owner = node.owner
        if owner is not None and node.requires_grad:
            if trace is not None and owner.value is not None:
                trace.leaves_gradient(owner)
            reached = reached or node in gradients
            g = gradients[node] if node in gradients else Tensor(np.zeros(node.shape, node.dtype))
            owner._grad = g if owner._grad is None else owner._grad + g
    if not reached:
        _notice_what_blocked(order)
    if not (retain_graph or create_graph):
        free(order)


def _notice_what_blocked(order: Sequence[Node]) -> None:
    blocked = next(
        (n for n in reversed(order) if n.requires_grad and n.op.pattern.startswith("blocker")), None
    )
    if blocked is not None:
        notice(
            f"every gradient of this backward() is 0: {blocked.op.name} at {blocked.place} is "
            f"{blocked.op.pattern.removeprefix('blocker: ')}. Keep it out of the path from the parameters to the loss."
        )


def _recorded_node(x: Tensor) -> Node:
    """x's node, or an error that says why there is nothing to go back through."""
    if x.node is not None and x.requires_grad:
        return x.node
    if x.cut is not None:
        how, origin = x.cut
        raise GraphError(
            f"backward() has nothing to go back through: a tensor this result depends on was {how} "
            f"at {describe(origin)}. Remove that, or keep it out of the path from the parameters to the loss."
        )
    stopped = (
        next((n for n in ancestors([x.node]) if not n.op.differentiable), None)
        if x.node is not None
        else None
    )
    if stopped is not None:
        raise GraphError(
            f"backward() has nothing to go back through: no gradient passes {stopped.op.name} at {stopped.place}, "
            f"because {stopped.op.no_gradient_because}. Keep it out of the path from the parameters to the loss."
        )
    raise GraphError(
        "backward() has nothing to go back through: no tensor in this computation required a gradient. Make the "
        "variables with gg.tensor(..., requires_grad=True) or nn.Parameter; and compute with gg's functions, because "
        "what goes through .item(), float(), .numpy() or math leaves the graph."
    )


def as_upstream(x: Tensor, upstream: Any) -> Tensor:
    """The upstream gradient of x as a tensor of x's shape and dtype; 1 for a single number."""
    if upstream is None:
        if x.size != 1:
            raise GraphError(
                f"backward() of a tensor of shape {x.shape} needs an upstream gradient of that shape. "
                f"Reduce it to a single number first (for example loss.mean()), or pass one: backward(upstream)."
            )
        if x.dtype.kind == "c":
            raise GraphError(
                "backward() of a complex number needs an upstream gradient, because a loss is a real number: take "
                "gg.real(x) or gg.abs(x) of it first, or pass one, as docs/complex.md says"
            )
        return Tensor(np.ones(x.shape, x.dtype))
    given = upstream if isinstance(upstream, Tensor) else asarray(upstream, x.dtype)
    if given.shape != x.shape:
        raise ShapeError(
            f"the upstream gradient must have the shape of the result, {x.shape}; got {given.shape}. "
            f"It is the gradient of the loss with respect to this result."
        )
    return astype(given, x.dtype)


def free(nodes: Iterable[Node]) -> None:
    """Let go of the values that nodes saved.

    Leaves and masks and other constants keep theirs: another graph may read them too, and its `backward` does not
    pass through them, so it would not notice.
    """
    place = caller()
    for node in nodes:
        if node.inputs and node.requires_grad:
            node.value = None
            node.freed = place


def graph_backward(graph: Graph, upstream: Any = None) -> tuple[Tensor, ...]:
    """Fill in `grad` of every node of the graph; returns the gradients of the inputs, in order.

    `upstream` is the gradient of the loss with respect to the graph's output, 1 if the output is a single number.
    Needs values: a graph from `gg.graph_of` has them, any other needs `forward` first.
    """
    if len(graph.outputs) != 1:
        raise GraphError(f"backward needs a graph with one output; this one has {len(graph.outputs)}")
    (output,) = graph.outputs
    if output.value is None:
        raise GraphError("backward needs the values of the forward pass: call graph.forward(...) first")
    leaves = [node for node in graph.body if isinstance(node.op, Leaf) and node.requires_grad]
    seeds = {output: as_upstream(Tensor(output.value), upstream)}
    gradients = pull_back(seeds, {*graph.inputs, *leaves}, keep=True)
    for node in graph.body:
        node.grad = gradients[node].value if node in gradients else None
    for node in graph.inputs:
        node.grad = np.zeros(node.shape, node.dtype) if node.grad is None else node.grad
    return tuple(asarray(node.grad) for node in graph.inputs)
