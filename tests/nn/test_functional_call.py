"""Modules as functions of their parameters, and as arguments of every mode: against loops and differences."""

import copy

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.errors import ArgumentError, GraphError, ShapeError

F64 = gg.float64


class Tied(nn.Module):
    """A parameter with two names, one in a tuple, one in a module; a buffer; a frozen parameter."""

    def __init__(self):
        self.layer = nn.Linear(3, 3, dtype=F64)
        self.pair = (self.layer.weight, nn.Parameter(np.array([0.5, -1.0, 2.0])))
        self.shift = nn.Buffer(np.array([1.0, 0.0, -1.0]))
        self.frozen = nn.Parameter(np.array(3.0), requires_grad=False)

    def forward(self, x):
        return gg.tanh(self.layer(x)) @ self.pair[0] * self.pair[1] + self.shift * self.frozen


def mlp(seed=0):
    gg.random.seed(seed)
    return nn.Sequential(nn.Linear(3, 4, dtype=F64), nn.Tanh(), nn.Linear(4, 2, dtype=F64))


def loss(model, x, y):
    return gg.mean((model(x) - y) ** 2)


def data(rows=5, seed=1):
    rng = np.random.default_rng(seed)
    return gg.asarray(rng.normal(size=(rows, 3))), gg.asarray(rng.normal(size=(rows, 2)))


def directions(model, seed=2):
    rng = np.random.default_rng(seed)
    return {name: gg.asarray(rng.normal(size=p.shape)) for name, p in model.named_parameters()}


def moved(model, direction, step):
    """A copy of the model, a step away."""
    other = copy.deepcopy(model)
    for name, p in other.named_parameters():
        p.assign(p.detach() + direction[name] * step)
    return other


def difference(f, model, direction, step=1e-5):
    return (f(moved(model, direction, step)) - f(moved(model, direction, -step))).item() / (2 * step)


def snapshot(module):
    return [
        (id(part), {name: id(v) for name, v in vars(part).items() if name != "_random_state"})
        for part in module.modules()
    ]


# --- functional_call ----------------------------------------------------------------------------------------


def test_the_call_is_that_of_a_module_with_these_parameters():
    model, (x, _) = mlp(0), data()
    other = mlp(7)
    before = snapshot(model)
    found = nn.functional_call(model, dict(other.named_parameters()), x)
    np.testing.assert_array_equal(found.numpy(), other(x).numpy())
    assert not np.array_equal(found.numpy(), model(x).numpy())
    assert snapshot(model) == before


def test_gradients_flow_to_the_tensors_given():
    model, (x, y) = mlp(), data()
    given = {name: gg.tensor(p.numpy(), requires_grad=True) for name, p in model.named_parameters()}
    gg.mean((nn.functional_call(model, given, x) - y) ** 2).backward()
    loss(model, x, y).backward()
    for name, p in model.named_parameters():
        np.testing.assert_allclose(given[name].grad.numpy(), p.grad.numpy(), rtol=1e-14)


def test_a_parameter_with_two_names_is_replaced_under_both_by_either():
    model, (x, _) = Tied(), data()
    names = [name for name, _ in model.named_parameters()]
    assert names == ["pair.0", "pair.1", "frozen", "layer.bias"]
    new = {name: gg.asarray(np.full(p.shape, 0.25)) for name, p in model.named_parameters()}
    expected = nn.functional_call(model, new, x)
    by_other_name = {"layer.weight" if name == "pair.0" else name: t for name, t in new.items()}
    np.testing.assert_array_equal(nn.functional_call(model, by_other_name, x).numpy(), expected.numpy())
    bias, scale = new["layer.bias"].numpy(), new["pair.1"].numpy()
    weight = np.full((3, 3), 0.25)
    by_hand = np.tanh(x.numpy() @ weight.T + bias) @ weight * scale + np.array([1.0, 0.0, -1.0]) * 0.25
    np.testing.assert_allclose(expected.numpy(), by_hand, rtol=1e-14)
    with pytest.raises(
        ArgumentError,
        match=r"^'layer.weight' is another name of a parameter of this Tied for which a different tensor was "
        r"given: give it once \(at test_functional_call",
    ):
        nn.functional_call(model, new | {"layer.weight": np.zeros((3, 3))}, x)


def test_buffers_may_be_replaced():
    model, (x, _) = Tied(), data()
    parameters = dict(model.named_parameters())
    found = nn.functional_call(model, parameters | {"shift": gg.asarray(np.zeros(3))}, x)
    np.testing.assert_allclose((model(x) - found).numpy(), np.tile([3.0, 0.0, -3.0], (5, 1)), atol=1e-14)
    assert model.shift.tolist() == [1.0, 0.0, -1.0]


def test_the_module_is_unchanged_after_an_error():
    model = Tied()
    before = snapshot(model)
    with pytest.raises(ShapeError):
        nn.functional_call(model, dict(mlp_like(model)), gg.ones((5, 7), dtype=F64))
    assert snapshot(model) == before
    assert [type(p) for p in model.parameters()] == [nn.Parameter] * 4


def mlp_like(model):
    return {name: gg.asarray(np.zeros(p.shape)) for name, p in model.named_parameters()}


def test_the_model_lists_what_stands_in_as_its_parameters_and_gives_no_notice(recwarn):
    model = Tied()
    given = {name: gg.tensor(p.numpy(), requires_grad=True) for name, p in model.named_parameters()}
    with model.with_parameters(given):
        inside = dict(model.named_parameters())
        assert [name for name, _ in model.named_buffers()] == ["shift"]
    assert {name: id(p) for name, p in inside.items()} == {name: id(p) for name, p in given.items()}
    assert not recwarn


def test_one_tensor_for_two_parameters_makes_two_of_it():
    class Two(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Parameter(1.0), nn.Parameter(2.0)

        def forward(self):
            return self.a * self.b

    model, shared = Two(), gg.asarray(3.0)
    with model.with_parameters({"a": shared, "b": shared}):
        found = gg.grad(lambda m: m())(model)
    assert {name: g.item() for name, g in found.items()} == {"a": 3.0, "b": 3.0}


def test_names_and_shapes_that_do_not_fit():
    model, (x, _) = mlp(), data()
    own = dict(model.named_parameters())
    with pytest.raises(
        ArgumentError,
        match=r"^Sequential has no parameter or buffer '0.wieght'\. Is '0.weight' meant\? \(at test_functional_call",
    ):
        nn.functional_call(model, own | {"0.wieght": own["0.weight"]}, x)
    with pytest.raises(
        ArgumentError,
        match=r"^functional_call got no tensor for the parameter '0.bias' and 2 more of Sequential\. With "
        r"strict=False the module's own is taken\. \(at test_functional_call",
    ):
        nn.functional_call(model, {"0.weight": own["0.weight"]}, x)
    partly = nn.functional_call(model, {"0.weight": own["0.weight"]}, x, strict=False)
    np.testing.assert_array_equal(partly.numpy(), model(x).numpy())
    with pytest.raises(
        ShapeError,
        match=r"^'0.bias' of Sequential has shape \(4,\); functional_call got a tensor of shape \(1,\) for it \(at test_functional_call",
    ):
        nn.functional_call(model, own | {"0.bias": gg.ones(1, dtype=F64)}, x)
    with pytest.raises(ArgumentError, match=r"^functional_call takes the parameters of Sequential as a dict"):
        nn.functional_call(model, list(own.values()), x)
    with pytest.raises(ArgumentError, match=r"^functional_call takes a module and then its parameters; got"):
        nn.functional_call(own, model, x)


def test_an_ensemble_is_one_module_with_stacked_parameters():
    models, (x, _) = [mlp(seed) for seed in range(3)], data()
    stacked = {
        name: gg.stack([dict(m.named_parameters())[name] for m in models])
        for name, _ in models[0].named_parameters()
    }
    found = gg.vmap(lambda p: nn.functional_call(models[0], p, x))(stacked)
    np.testing.assert_allclose(found.numpy(), np.stack([m(x).numpy() for m in models]), rtol=1e-13)


# --- modules as arguments of the modes ----------------------------------------------------------------------


def test_grad_is_that_of_backward_and_leaves_nothing_behind():
    model, (x, y) = mlp(), data()
    before = snapshot(model)
    found = gg.grad(loss)(model, x, y)
    assert all(p.grad is None for p in model.parameters())
    assert not any(g.requires_grad for g in found.values())
    loss(model, x, y).backward()
    assert list(found) == [name for name, _ in model.named_parameters()]
    for name, p in model.named_parameters():
        np.testing.assert_allclose(found[name].numpy(), p.grad.numpy(), rtol=1e-14)
    assert snapshot(model) == before


def test_a_penalty_over_the_parameters_of_the_argument_counts():
    model = mlp()
    found = gg.grad(lambda m: sum((gg.sum(p * p) for p in m.parameters()), gg.asarray(np.array(0.0))))(model)
    for name, p in model.named_parameters():
        np.testing.assert_array_equal(found[name].numpy(), 2 * p.numpy())


def test_a_frozen_parameter_gets_zero_in_reverse_mode_alone_and_in_a_stack():
    model, (x, _) = Tied(), data()
    found = gg.grad(lambda m: gg.sum(m(x)))(model)
    assert found["frozen"].item() == 0.0
    assert np.all(found["pair.1"].numpy() != 0)
    each = gg.vmap(gg.grad(lambda m, row: gg.sum(m(row))), in_axes=(None, 0))(model, x)
    assert each["frozen"].tolist() == [0.0] * 5
    np.testing.assert_allclose(gg.sum(each["pair.1"], axis=0).numpy(), found["pair.1"].numpy(), rtol=1e-12)


def test_gradients_of_each_example_in_one_run():
    model, (x, y) = mlp(), data(rows=6)
    stacked = gg.vmap(gg.grad(loss), in_axes=(None, 0, 0))(model, x, y)
    for i in range(6):
        alone = gg.grad(loss)(model, x[i], y[i])
        for name in alone:
            np.testing.assert_allclose(stacked[name][i].numpy(), alone[name].numpy(), rtol=1e-12, atol=1e-15)
    assert {name: g.shape for name, g in stacked.items()} == {
        name: (6, *p.shape) for name, p in model.named_parameters()
    }


def test_a_module_that_is_the_same_for_every_member():
    model, (x, _) = mlp(), data()
    found = gg.vmap(lambda m, row: m(row), in_axes=(None, 0))(model, x)
    np.testing.assert_allclose(found.numpy(), model(x).numpy(), rtol=1e-14)


def test_jvp_over_a_model():
    model, (x, y) = mlp(), data()
    direction = directions(model)
    value, slope = gg.jvp(lambda m: loss(m, x, y), (model,), (direction,))
    assert value.item() == loss(model, x, y).item()
    assert slope.item() == pytest.approx(difference(lambda m: loss(m, x, y), model, direction), rel=1e-8)


def test_hvp_with_a_dict_of_directions():
    model, (x, y) = mlp(), data()
    v, u = directions(model, 3), directions(model, 4)
    found = gg.hvp(lambda m: loss(m, x, y), model, v)
    assert not any(part.requires_grad for part in found.values())
    along_u = sum(gg.sum(found[name] * u[name]).item() for name in found)

    def slope(m):
        gradient = gg.grad(loss)(m, x, y)
        total = sum(gg.sum(gradient[name] * u[name]).item() for name in gradient)
        return gg.asarray(np.array(total))

    assert along_u == pytest.approx(difference(slope, model, v), rel=1e-7)


def test_jacobian_and_hessian_of_a_model():
    model, (x, y) = nn.Linear(3, 2, dtype=F64), data(rows=4)
    found = gg.jacobian(lambda m: m(x[0]))(model)
    by_hand = np.einsum("ij,k->ijk", np.eye(2), x[0].numpy())
    np.testing.assert_allclose(found["weight"].numpy(), by_hand, rtol=1e-14)
    np.testing.assert_array_equal(found["bias"].numpy(), np.eye(2))
    blocks = gg.hessian(loss)(model, x, y)
    np.testing.assert_allclose(blocks["bias"]["bias"].numpy(), np.eye(2), rtol=1e-13)  # 2/8 over 4 rows
    v = directions(model)
    products = gg.hvp(lambda m: loss(m, x, y), model, v)
    rows = blocks["weight"]
    weight = np.tensordot(rows["weight"].numpy(), v["weight"].numpy(), 2)
    np.testing.assert_allclose(
        products["weight"].numpy(),
        weight + np.tensordot(rows["bias"].numpy(), v["bias"].numpy(), 1),
        rtol=1e-12,
    )


def test_a_gradient_inside_a_gradient():
    """d/dp |d loss/dp|² = 2 H g: perturbations of the inner and the outer parameters are not confused."""
    model, (x, y) = mlp(), data()

    def norm(m):
        return sum((gg.sum(g * g) for g in gg.grad(loss)(m, x, y).values()), gg.asarray(np.array(0.0)))

    found = gg.grad(norm)(model)
    expected = gg.hvp(lambda m: loss(m, x, y), model, gg.grad(loss)(model, x, y))
    for name in found:
        np.testing.assert_allclose(found[name].numpy(), 2 * expected[name].numpy(), rtol=1e-11)


def test_modules_among_other_things_in_a_tree():
    encoder, head, (x, _) = mlp(), nn.Linear(2, 1, dtype=F64), data()
    parts = {"head": head, "more": [encoder, gg.asarray(np.array(2.0))]}

    def f(parts):
        return gg.sum(parts["head"](parts["more"][0](x)) * parts["more"][1])

    found = gg.grad(f)(parts)
    f(parts).backward()
    np.testing.assert_allclose(found["head"]["weight"].numpy(), head.weight.grad.numpy(), rtol=1e-13)
    np.testing.assert_allclose(
        found["more"][0]["0.weight"].numpy(), encoder[0].weight.grad.numpy(), rtol=1e-13
    )
    assert found["more"][1].item() == pytest.approx(f(parts).item() / 2)


def test_through_a_checkpoint_that_runs_again_when_the_module_is_back_in_place():
    model, (x, y) = mlp(), data()
    expected = gg.grad(loss)(model, x, y)

    def closed_over(m):
        return gg.mean((gg.checkpoint(m)(x) - y) ** 2)

    def passed_on(m):
        return gg.checkpoint(loss)(m, x, y)

    for f in (closed_over, passed_on):
        found = gg.grad(f)(model)
        _, pullback = gg.vjp(f, model)
        for name in expected:
            np.testing.assert_allclose(found[name].numpy(), expected[name].numpy(), rtol=1e-13)
            np.testing.assert_allclose(
                pullback(np.array(1.0))[0][name].numpy(), expected[name].numpy(), rtol=1e-13
            )


def test_one_module_in_two_places_is_refused():
    model, (x, _) = mlp(), data()
    with pytest.raises(
        ArgumentError,
        match=r"^one Linear, or a module inside it, is in two places among the arguments, and can compute with one "
        r"set of parameters only: pass it once \(at test_functional_call",
    ):
        gg.grad(lambda a, b: gg.sum(a(x)) + gg.sum(b(x[:, :2])), argnums=(0, 1))(model, model[2])


def test_a_buffer_cannot_take_a_value_that_is_unknown():
    buffer = nn.Buffer(0.0)
    with pytest.raises(GraphError, match=r"^a Buffer takes values; this float32\[\] tensor has none"):
        gg.vmap(lambda x: buffer.assign(x))(gg.ones(3))
    assert buffer.item() == 0.0
