"""Every rule of every op, checked by independent witnesses: see `table` for the rows."""

import inspect
from collections.abc import Collection, Sequence

import numpy as np
import pytest
from table import ROWS, Row

import glassgrad as gg
from glassgrad.errors import DTypeError, GraphError
from glassgrad.expr import derive, program
from glassgrad.graph import CONSTANT, OUT, Aval, Leaf, Node, Op, quiet
from glassgrad.ops.families import Elementwise, Formula
from glassgrad.ops.function import Applied
from glassgrad.ops.index import IndexSet
from glassgrad.ops.shape import Astype, StopGradient
from glassgrad.tensor import Tensor, apply

EPSILON = np.finfo(np.float64).eps
DIFFERENTIABLE = [row for row in ROWS if row.differentiable]
ELEMENTWISE = [row for row in DIFFERENTIABLE if isinstance(row.op, Elementwise)]


def every_op(kind: type[Op] = Op) -> set[type[Op]]:
    found = {kind}
    for child in kind.__subclasses__():
        found |= every_op(child)
    return found


# a class that others are derived from is a family; a Formula is a derivative rule of another op; an Applied is a
# gg.Function, whose rules the user writes
CONCRETE = {
    op
    for op in every_op()
    if op.__module__.startswith("glassgrad.ops.") and not op.__subclasses__() and op not in (Formula, Applied)
}


def tensors(row: Row) -> tuple[Tensor, ...]:
    return tuple(map(Tensor, row.inputs))


def run(row: Row) -> Tensor:
    return apply(row.op, *tensors(row))


def without_value(like: Tensor) -> Tensor:
    """A tensor that only knows its shape and its dtype."""
    return Tensor(None, Node(CONSTANT, (), like.shape, like.dtype, False, None))


def random_like(x: Tensor, seed: int) -> Tensor:
    return Tensor(np.random.default_rng(seed).normal(size=x.shape))


def test_every_op_has_a_row():
    assert CONCRETE - {type(row.op) for row in ROWS} == set()
    assert all(issubclass(op, Op) and not issubclass(op, Leaf) for op in CONCRETE)


@pytest.mark.parametrize("op", sorted(CONCRETE, key=lambda op: op.__name__), ids=lambda op: op.__name__)
def test_every_op_says_what_it_does(op):
    row = next(row for row in ROWS if type(row.op) is op)
    assert op.__doc__
    assert not op.__doc__.startswith(
        f"{op.__name__}("
    )  # the text that dataclass makes up where there is none
    assert row.op.formula
    assert row.op.pattern
    assert row.op.differentiable or row.op.no_gradient_because


PUBLIC = {
    name: value for name, value in vars(gg).items() if inspect.isfunction(value) and not name.startswith("_")
}
PUBLIC |= {f"linalg.{name}": getattr(gg.linalg, name) for name in gg.linalg.__all__}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_function_shows_an_example(name):
    assert ">>>" in (PUBLIC[name].__doc__ or "")


# --- shape and forward ----------------------------------------------------------------------------------------


def cast(array: np.ndarray, dtype: str) -> np.ndarray:
    """A float input in another dtype; integers are made positive, because 2 ** -1 is no integer."""
    if array.dtype.kind != "f":
        return array
    return (
        np.abs(array).astype(dtype) + np.ones((), dtype)
        if np.dtype(dtype).kind in "iu"
        else array.astype(dtype)
    )


def assert_shape_rule_agrees(op: Op, inputs: list[np.ndarray]) -> None:
    """`shape` and `forward` give the same shape and dtype, or refuse for the same reason."""
    refused = None
    try:
        wanted = op.shape(*[Aval(x.shape, x.dtype) for x in inputs])
    except DTypeError as error:
        refused = error.message
    if refused:
        with pytest.raises(DTypeError) as raised:
            apply(op, *map(Tensor, inputs))
        assert raised.value.message == refused
    else:
        found = np.asarray(quiet.run(op.forward, *inputs))
        assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype), [x.dtype for x in inputs]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_shape_rule_agrees_with_forward(row):
    for dtype in ("float32", "float64", "float16", "int64", "uint8", "bool", "complex64"):
        assert_shape_rule_agrees(row.op, [cast(x, dtype) for x in row.inputs])


# what x.at[...].set(...) sets is converted before the op sees it
MIXED = [row for row in ROWS if len(row.inputs) > 1 and not isinstance(row.op, IndexSet)]


@pytest.mark.parametrize("row", MIXED, ids=str)
def test_shape_rule_agrees_with_forward_for_mixed_dtypes(row):
    first, *rest = row.inputs
    for other in ("float64", "int64", "uint8", "bool", "complex64"):
        assert_shape_rule_agrees(row.op, [cast(first, "float32"), *(cast(x, other) for x in rest)])
        assert_shape_rule_agrees(row.op, [cast(first, other), *(cast(x, "float32") for x in rest)])


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_layout_in_memory_does_not_matter(row):
    def same_numbers_packed(x):
        return np.ascontiguousarray(x).reshape(x.shape)  # which makes numbers arrays of one element

    packed = np.asarray(quiet.run(row.op.forward, *map(same_numbers_packed, row.inputs)))
    # on CPUs with AVX-512 NumPy has vector kernels for packed arrays, good to 4 ULP, and others for strided ones
    epsilon = np.finfo(packed.dtype).eps if packed.dtype.kind in "fc" else 0
    np.testing.assert_allclose(run(row).numpy(), packed, rtol=32 * epsilon, atol=4 * epsilon)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_inputs_are_left_alone(row):
    before = [x.copy() for x in row.inputs]
    out = run(row)
    if row.differentiable:
        row.op.vjp((True,) * len(row.inputs), random_like(out, 0), out, *tensors(row))
    assert all(np.array_equal(x, copy) for x, copy in zip(row.inputs, before, strict=True))


# --- derivatives ----------------------------------------------------------------------------------------------


def gradient(row: Row, position: int, g: Tensor, out: Tensor, inputs: Sequence[Tensor]) -> Tensor:
    """The gradient of one input, asked for alone."""
    needed = tuple(i == position for i in range(len(inputs)))
    found = row.op.vjp(needed, g, out, *inputs)[position]
    return Tensor(np.zeros(inputs[position].shape)) if found is None else found


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_gradient_agrees_with_differences(row):
    def function(*variables):
        inputs = list(tensors(row))
        for position, variable in zip(row.varied, variables, strict=True):
            inputs[position] = variable
        return apply(row.op, *inputs)

    order = 2 if row.twice else 1
    report = gg.gradcheck(function, *(row.inputs[i] for i in row.varied), order=order)
    assert report.largest_error < 1e-6
    assert report.compared == order * sum(row.inputs[i].size for i in row.varied)


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_vjp_is_the_transpose_of_jvp(row):
    """<v, J u> == <J' v, u>: no finite difference, so the tolerance is rounding error only."""
    inputs, out = tensors(row), run(row)
    v = random_like(out, 1)
    u = [random_like(x, 2 + i) if i in row.varied else None for i, x in enumerate(inputs)]
    moved = row.op.jvp(tuple(u), out, *inputs)
    forward = np.zeros(0) if moved is None else (v.numpy() * moved.numpy()).ravel()
    backward = [(gradient(row, i, v, out, inputs).numpy() * u[i].numpy()).ravel() for i in row.varied]
    terms = np.concatenate([forward, *backward])
    # each term comes from at most a few hundred roundings
    bound = 200 * EPSILON * (np.abs(terms).sum() + np.abs(v.numpy()).sum())
    assert abs(forward.sum() - sum(part.sum() for part in backward)) <= bound


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_a_tangent_of_none_is_zero(row):
    inputs, out = tensors(row), run(row)
    for position in row.varied:
        u = random_like(inputs[position], position)
        alone = [u if i == position else None for i in range(len(inputs))]
        zeros = [Tensor(np.zeros(x.shape)) if i in row.varied else None for i, x in enumerate(inputs)]
        zeros[position] = u
        found, wanted = (row.op.jvp(tuple(tangents), out, *inputs) for tangents in (alone, zeros))
        if found is None or wanted is None:
            assert not any(t is not None and t.numpy().any() for t in (found, wanted))
        else:
            assert found.shape == out.shape
            assert np.allclose(found.numpy(), wanted.numpy(), rtol=1e-14, atol=1e-14)
    still = row.op.jvp((None,) * len(inputs), out, *inputs)
    assert still is None or not still.numpy().any()


@pytest.mark.parametrize("row", ELEMENTWISE, ids=str)
def test_written_partials_are_the_derivatives_of_the_formula(row):
    """The partial derivatives that the author wrote, against the symbolic derivatives of the value."""
    names = ("out", *row.op.argument_names)
    arrays = (quiet.run(row.op.forward, *row.inputs), *row.inputs)
    for position in row.varied:
        written = row.op.partial_expressions[position]
        derived = derive(row.op.expression, row.op.argument_names[position])
        found, wanted = (quiet.run(program(formula, names), *arrays) for formula in (written, derived))
        # 1 - tanh(x)^2 and the like lose all but the absolute accuracy where they vanish
        assert np.allclose(found, wanted, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_a_rule_reads_only_what_it_declares(row):
    """With every value that `saves` does not list taken away, the gradient is the same."""
    inputs, out = tensors(row), run(row)
    v = random_like(out, 3)
    for position in row.varied:
        declared = row.op.saves[position] if row.op.saves else ()
        hidden = [x if i in declared else without_value(x) for i, x in enumerate(inputs)]
        found = gradient(row, position, v, out if OUT in declared else without_value(out), hidden)
        assert found.value is not None, f"input {position} reads more than {declared}"
        wanted = gradient(row, position, v, out, inputs)
        assert np.array_equal(found.numpy(), wanted.numpy())


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_rules_work_on_shapes_alone(row):
    """What a rule says of shapes and dtypes without values is what comes out with them."""
    inputs, out = tensors(row), run(row)
    v = random_like(out, 4)
    hidden = [x if x.dtype.kind in "iub" else without_value(x) for x in inputs]
    for position in row.varied:
        wanted = gradient(row, position, v, out, inputs)
        found = gradient(row, position, without_value(v), without_value(out), hidden)
        assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)


def variables(row: Row, wanted: Collection[int], wide: int | None = None) -> list[Tensor]:
    """The row's inputs in float32, the one at `wide` in float64; those in `wanted` collect a gradient."""
    inputs = []
    for i, x in enumerate(row.inputs):
        array = x.astype("float64" if i == wide else "float32") if x.dtype.kind == "f" else x
        inputs.append(gg.tensor(array, requires_grad=i in wanted))
    return inputs


ALL_ZERO = pytest.mark.filterwarnings("ignore:every gradient of this backward")  # as it must be for a blocker


@ALL_ZERO
@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_gradients_have_the_shape_and_dtype_of_their_input(row):
    """In float32 throughout, and with one input in float64."""
    for wide in {None, *row.varied}:
        inputs = variables(row, row.varied, wide)
        out = apply(row.op, *inputs)
        out.backward(np.ones(out.shape))
        for x in (inputs[i] for i in row.varied):
            assert (x.grad.shape, x.grad.dtype) == (x.shape, x.dtype)


@ALL_ZERO
@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_a_gradient_does_not_depend_on_who_else_wants_one(row):
    together = variables(row, row.varied)
    out = apply(row.op, *together)
    v = np.random.default_rng(5).normal(size=out.shape)
    out.backward(v)
    for position in row.varied:
        alone = variables(row, {position})
        apply(row.op, *alone).backward(v)
        assert np.array_equal(alone[position].grad.numpy(), together[position].grad.numpy())


NOT_DIFFERENTIABLE = [row for row in ROWS if not row.op.differentiable]


@pytest.mark.parametrize("row", NOT_DIFFERENTIABLE, ids=str)
def test_an_op_without_derivative_says_why(row):
    variables = [gg.tensor(x, requires_grad=x.dtype.kind == "f") for x in row.inputs]
    out = apply(row.op, *variables)
    assert not out.requires_grad
    if row.varied:
        with pytest.raises(GraphError) as raised:
            out.backward()
        assert f"because {row.op.no_gradient_because}" in raised.value.message


# astype has its rules for the dtypes that carry a gradient
@pytest.mark.parametrize(
    "row", [row for row in NOT_DIFFERENTIABLE if not isinstance(row.op, Astype)], ids=str
)
def test_the_rules_of_an_op_without_derivative_give_nothing_or_say_why(row):
    inputs, out = tensors(row), run(row)
    nothing = (None,) * len(inputs)
    if isinstance(row.op, Elementwise | StopGradient):
        assert row.op.vjp((True,) * len(inputs), out, out, *inputs) == nothing
        assert row.op.jvp(inputs, out, *inputs) is None
    else:
        for call in (
            lambda: row.op.vjp((True,), out, out, *inputs),
            lambda: row.op.jvp(inputs, out, *inputs),
        ):
            with pytest.raises(GraphError) as raised:
                call()
            assert raised.value.message == f"{row.op.name} has no derivative: {row.op.no_gradient_because}"


@pytest.mark.parametrize("row", ELEMENTWISE, ids=str)
def test_the_gradient_of_a_broadcast_input_is_summed_over_its_copies(row):
    inputs, out = tensors(row), run(row)
    v = random_like(out, 6)
    copies = [Tensor(np.broadcast_to(x, out.shape)) for x in row.inputs]
    for position in row.varied:
        each = gradient(row, position, v, out, copies).numpy()
        shape = row.inputs[position].shape
        lead = each.ndim - len(shape)
        axes = tuple(i for i in range(each.ndim) if i < lead or shape[i - lead] == 1)
        found = gradient(row, position, v, out, inputs).numpy()
        assert np.allclose(found, each.sum(axes).reshape(shape), rtol=1e-13, atol=1e-15)
