"""Modules: what they find in themselves, saving and loading, modes, and the protocol of the lectures."""

import copy

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn


class Block(nn.Module):
    """A module with everything that can be found in one."""

    def __init__(self):
        self.scale = nn.Parameter([2.0])
        self.layers = [nn.Linear(2, 3), nn.Tanh()]
        self.count = nn.Buffer(0)
        self.heads = {"a": nn.Linear(3, 1), "b": [nn.Linear(3, 1, bias=False)]}
        self.weights = (nn.Parameter([1.0]), "no parameter", None)
        self.size = 3

    def forward(self, x):
        self.count.assign(self.count + 1)
        for layer in self.layers:
            x = layer(x)
        return self.scale * (self.heads["a"](x) + self.heads["b"][0](x)) * self.weights[0]


class Net(nn.Module):
    def __init__(self):
        self.block = Block()
        self.out = nn.Linear(1, 1)

    def forward(self, x):
        return self.out(self.block(x))


BLOCK_NAMES = [
    "scale",
    "weights.0",
    "layers.0.weight",
    "layers.0.bias",
    "heads.a.weight",
    "heads.a.bias",
    "heads.b.0.weight",
]


# --- finding parts ------------------------------------------------------------------------------------------


def test_parameters_are_found_in_attributes_lists_tuples_and_dicts_own_ones_first():
    assert [name for name, _ in Block().named_parameters()] == BLOCK_NAMES
    names = [f"block.{name}" for name in BLOCK_NAMES] + ["out.weight", "out.bias"]
    net = Net()
    assert [name for name, _ in net.named_parameters()] == names
    assert [id(p) for p in net.parameters()] == [id(p) for _, p in net.named_parameters()]
    assert next(net.parameters()) is net.block.scale


def test_buffers_modules_and_children():
    net = Net()
    assert [(name, b is net.block.count) for name, b in net.named_buffers()] == [("block.count", True)]
    assert list(net.buffers()) == [net.block.count]
    assert [name for name, _ in net.named_modules()] == [
        "",
        "block",
        "block.layers.0",
        "block.layers.1",
        "block.heads.a",
        "block.heads.b.0",
        "out",
    ]
    assert next(net.modules()) is net
    assert [name for name, _ in net.named_children()] == ["block", "out"]
    assert list(net.children()) == [net.block, net.out]


def test_number_of_parameters():
    # 1 + 1 + (2*3 + 3) + (3 + 1) + 3, and 2 more in the last layer
    assert Block().num_parameters() == 18
    assert Net().num_parameters() == 20


def test_what_is_shared_is_listed_once_but_saved_under_all_its_names():
    class Tied(nn.Module):
        def __init__(self):
            self.first = nn.Linear(2, 2, bias=False)
            self.second = nn.Linear(2, 2, bias=False)
            self.second.weight = self.first.weight
            self.again = self.first

    tied = Tied()
    assert [name for name, _ in tied.named_parameters()] == ["first.weight"]
    assert tied.num_parameters() == 4
    assert [name for name, _ in tied.named_modules()] == ["", "first", "second"]
    assert list(tied.state_dict()) == ["first.weight", "second.weight", "again.weight"]


def test_a_module_inside_itself_is_found_once():
    net = Net()
    net.block.parent = net
    assert net.num_parameters() == 20
    assert len(net.state_dict()) == 10


def test_a_module_may_be_built_without_calling_the_base_class():
    class Plain(nn.Module):
        pass

    plain = Plain()
    assert (list(plain.parameters()), plain.training, repr(plain)) == ([], True, "Plain()")
    with pytest.raises(gg.GraphError) as caught:
        plain(gg.ones(2))
    assert caught.value.message == "Plain cannot be called: it has no method forward(self, x)"


# --- saving and loading -------------------------------------------------------------------------------------


def test_a_state_goes_from_one_model_to_another():
    first, second, x = Net(), Net(), gg.ones((4, 2))
    first(x)
    state = first.state_dict()
    assert list(state) == [
        "block.scale",
        "block.count",
        *(f"block.{n}" for n in BLOCK_NAMES[1:]),
        "out.weight",
        "out.bias",
    ]
    assert all(type(array) is np.ndarray for array in state.values())
    result = second.load_state_dict(state)
    assert (result.missing_keys, result.unexpected_keys) == ([], [])
    assert second.block.count.item() == 1
    assert second(x).tolist() == first(x).tolist()


def test_a_state_is_a_snapshot():
    layer = nn.Linear(1, 1)
    state = layer.state_dict()
    before = state["weight"].item()
    layer.weight.assign([[100.0]])
    assert state["weight"].item() == before
    assert not state["weight"].flags.writeable


def test_a_loaded_array_may_change_afterwards():
    layer, array = nn.Linear(1, 1, bias=False), np.array([[3.0]], np.float32)
    layer.load_state_dict({"weight": array})
    array[:] = 0.0
    assert layer.weight.tolist() == [[3.0]]


def test_loading_takes_tensors_other_float_widths_and_whatever_numpy_reads():
    class Foreign:
        def __array__(self, dtype=None, copy=None):
            return np.array([0.5], np.float16)

    layer = nn.Linear(1, 1)
    layer.load_state_dict({"weight": gg.tensor([[0.25]], dtype="float64"), "bias": Foreign()})
    assert (layer.weight.tolist(), layer.bias.tolist()) == ([[0.25]], [0.5])
    assert layer.weight.dtype == layer.bias.dtype == gg.float32


def test_loading_keeps_gradients_and_frozen_parameters():
    layer = nn.Linear(1, 1)
    layer.weight.requires_grad = False
    layer.bias.grad = gg.tensor([2.0])
    layer.load_state_dict({"weight": [[1.0]], "bias": [1.0]})
    assert not layer.weight.requires_grad
    assert layer.bias.grad.tolist() == [2.0]


def test_everything_that_does_not_fit_is_listed_and_nothing_is_changed():
    model = nn.Sequential({"hidden": nn.Linear(2, 3), "out": nn.Linear(3, 1)})
    before = model.state_dict()

    class Broken:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("no array in here")

    state = {
        "hiden.weight": np.zeros((3, 2)),
        "hidden.bias": np.zeros(4, np.float32),
        "out.weight": np.zeros((1, 3), np.int64),
        "out.bias": Broken(),
        "epoch": np.zeros(()),
    }
    with pytest.raises(gg.CheckpointError) as caught:
        model.load_state_dict(state)
    assert caught.value.message == (
        "the state does not fit Sequential, and nothing was changed. Make the model as it was when the state was "
        "taken:\n"
        "  missing: 'hidden.weight' of shape (3, 2) (the other side has 'hiden.weight')\n"
        "  unexpected: 'hiden.weight' (the other side has 'hidden.weight')\n"
        "  unexpected: 'epoch'\n"
        "  shape: 'hidden.bias' is (3,) here and (4,) in the state\n"
        "  dtype: 'out.weight' is float32 here and int64 in the state\n"
        "  unreadable: 'out.bias' is a Broken that NumPy cannot read: no array in here"
    )
    assert all((array == before[name]).all() for name, array in model.state_dict().items())


def test_strict_false_leaves_out_what_only_one_side_has():
    layer = nn.Linear(1, 1)
    bias = layer.bias.tolist()
    result = layer.load_state_dict({"weight": [[5.0]], "more": [1.0]}, strict=False)
    assert (result.missing_keys, result.unexpected_keys) == (["bias"], ["more"])
    assert (layer.weight.tolist(), layer.bias.tolist()) == ([[5.0]], bias)
    with pytest.raises(gg.CheckpointError, match=r"shape: 'weight' is \(1, 1\) here and \(2,\) in the state"):
        layer.load_state_dict({"weight": np.ones(2)}, strict=False)


def test_a_tied_parameter_needs_one_of_its_names_and_no_contradiction():
    class Tied(nn.Module):
        def __init__(self):
            self.a = nn.Parameter([1.0])
            self.b = self.a

    tied = Tied()
    tied.load_state_dict({"b": [3.0]})
    assert tied.a.tolist() == [3.0]
    tied.load_state_dict({"a": [4.0], "b": [4.0]})
    with pytest.raises(gg.CheckpointError) as caught:
        tied.load_state_dict({"a": [5.0], "b": [6.0]})
    assert "\n  conflict: 'a' and 'b' are one tensor here and differ in the state" in str(caught.value)
    assert tied.a.tolist() == [4.0]


def test_loading_something_else_says_what_is_expected():
    with pytest.raises(gg.ArgumentError) as caught:
        nn.Linear(1, 1).load_state_dict(({}, {}))
    assert caught.value.message == (
        "load_state_dict takes a dict of arrays by name; got tuple. "
        "arrays, metadata = gg.io.load_arrays(path) reads one from a file."
    )


def test_a_state_goes_through_a_file(tmp_path):
    from glassgrad.io import load_arrays, save_arrays

    first, second = Net(), Net()
    save_arrays(tmp_path / "net.safetensors", first.state_dict())
    second.load_state_dict(load_arrays(tmp_path / "net.safetensors")[0])
    assert second(gg.ones((1, 2))).tolist() == first(gg.ones((1, 2))).tolist()


def test_a_deep_copy_shares_nothing():
    net = Net()
    twin = copy.deepcopy(net)
    twin(gg.ones((1, 2))).sum().backward()
    assert net.out.bias.grad is None
    assert twin.out.bias.grad.tolist() == [1.0]
    twin.out.bias.assign([7.0])
    assert net.out.bias.tolist() != [7.0]
    assert twin.block.layers[0] is not net.block.layers[0]


# --- modes --------------------------------------------------------------------------------------------------


def test_train_and_eval_reach_every_module():
    net = Net()
    assert net.eval() is net
    assert [m.training for m in net.modules()] == [False] * 7
    assert net.train() is net
    assert [m.training for m in net.modules()] == [True] * 7
    assert Net().training


def test_apply_goes_from_the_inside_out():
    seen = []
    net = Net()
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    assert seen == ["Linear", "Tanh", "Linear", "Linear", "Block", "Linear", "Net"]


def test_zero_grad_and_freezing():
    net = Net()
    net(gg.ones((1, 2))).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.block.requires_grad_(False)
    net(gg.ones((1, 2))).sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is not None] == ["out.weight", "out.bias"]


def test_the_gradient_for_a_module_is_a_dict_by_name():
    layer = nn.Linear(2, 1)
    gradient = gg.grad(lambda m: (m(gg.tensor([[3.0, 4.0]])) * 2.0).sum())(layer)
    assert {name: g.tolist() for name, g in gradient.items()} == {"weight": [[6.0, 8.0]], "bias": [2.0]}


def test_representation():
    model = nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.Dropout(0.25), nn.Linear(3, 2, bias=False)))
    assert repr(model) == (
        "Sequential(\n"
        "  (0): Linear(in_features=4, out_features=3, bias=True)\n"
        "  (1): Sequential(\n"
        "    (0): Dropout(p=0.25)\n"
        "    (1): Linear(in_features=3, out_features=2, bias=False)\n"
        "  )  # 6 parameters\n"
        ")  # 21 parameters"
    )


# --- errors say which layer they come from --------------------------------------------------------------------


def line_of(call):
    """The error of a call, as text."""
    with pytest.raises(gg.GlassgradError) as caught:
        call()
    return str(caught.value)


def message_of(call):
    """The error of a call, as text, without the layer and the line."""
    with pytest.raises(gg.GlassgradError) as caught:
        call()
    return caught.value.message


def test_an_error_names_the_path_to_its_layer():
    class Encoded(nn.Module):
        def __init__(self):
            self.encoder = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(5, 2))

        def forward(self, x):
            return self.encoder(x)

    message = line_of(lambda: Encoded()(gg.ones((32, 4))))
    assert message.startswith(
        "in Encoded.encoder.2 (Linear): Linear expects 5 input features on the last axis; got input of shape (32, 3)"
    )
    assert "(at test_module.py:" in message


def test_an_error_in_an_op_names_the_layer_too():
    class Wrong(nn.Module):
        def __init__(self):
            self.layers = [nn.Identity(), Product()]

        def forward(self, x):
            return self.layers[1](self.layers[0](x))

    class Product(nn.Module):
        def forward(self, x):
            return x @ gg.ones((3, 2))

    message = line_of(lambda: Wrong()(gg.ones((1, 4))))
    assert message.startswith("in Wrong.layers.1 (Product): matmul needs x1.shape[-1] == x2.shape[-2]")


def test_a_layer_called_across_levels_or_made_on_the_spot_is_named_as_well():
    class Across(nn.Module):
        def __init__(self):
            self.inner = nn.Sequential(nn.ReLU(), nn.Linear(5, 2))

        def forward(self, x):
            return self.inner[1](x)

    class OnTheSpot(nn.Module):
        def forward(self, x):
            return nn.Linear(5, 2)(x)

    assert line_of(lambda: Across()(gg.ones(3))).startswith("in Across.inner.1 (Linear): Linear expects 5")
    assert line_of(lambda: OnTheSpot()(gg.ones(3))).startswith("in OnTheSpot.Linear: Linear expects 5")
    assert line_of(lambda: nn.Linear(5, 2).forward(gg.ones(3))).startswith("in Linear: Linear expects 5")


def test_a_layer_that_extends_another_is_named_once():
    class Wide(nn.Linear):
        def forward(self, x):
            return super().forward(x) * 2.0

    model = nn.Sequential(Wide(3, 2))
    assert line_of(lambda: model(gg.ones(4))).startswith("in Sequential.0 (Wide): Linear expects 3")


# --- the protocol of the lectures -----------------------------------------------------------------------------


def test_backward_gives_the_gradient_of_the_input_and_adds_up_those_of_the_parameters():
    layer = nn.Linear(2, 1)
    layer.weight.assign([[3.0, 4.0]])
    x = gg.tensor([[1.0, 2.0], [5.0, 6.0]])
    layer.forward(x)
    upstream = gg.tensor([[1.0], [10.0]])
    assert layer.backward(x, upstream).tolist() == [[3.0, 4.0], [30.0, 40.0]]
    assert layer.weight.grad.tolist() == [[51.0, 62.0]]
    assert layer.bias.grad.tolist() == [11.0]
    layer.backward(x, upstream)
    assert layer.bias.grad.tolist() == [22.0]
    layer.zero_grad_parameters()
    assert layer.bias.grad is None
    layer.backward(x, upstream)
    layer.update_parameters(0.5)
    assert layer.weight.tolist() == [[3.0 - 25.5, 4.0 - 31.0]]


def test_a_chain_of_backwards_is_the_backward_of_the_chain():
    first, second = nn.Linear(3, 4), nn.Linear(4, 2)
    x, upstream = gg.random.normal((5, 3)), gg.random.normal((5, 2))
    h = first.forward(x)
    second.forward(h)
    by_hand = first.backward(x, second.backward(h, upstream))
    gradients = [p.grad.numpy() for p in (*first.parameters(), *second.parameters())]
    model = nn.Sequential(first, second)
    model.zero_grad_parameters()
    np.testing.assert_allclose(model.backward(x, upstream).numpy(), by_hand.numpy(), rtol=1e-6)
    for p, g in zip(model.parameters(), gradients, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), g, rtol=1e-6)


@pytest.mark.parametrize("call", ["__call__", "forward"])
def test_backward_meets_the_random_numbers_of_the_last_forward(call):
    class Noisy(nn.Module):
        def __init__(self):
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            return self.drop(x) + self.drop(3.0 * x)  # one layer, two draws

    model, x = Noisy(), gg.ones(1000)
    for _ in range(3):
        output = getattr(model, call)(x)
        later = gg.random.get_state()
        gradient = model.backward(x, gg.ones(1000))
        assert gradient.tolist() == output.tolist()  # the model is linear, so f(x) = f'(x) at x = 1
        assert gg.random.get_state() == later
    assert len(set(output.tolist())) == 4


def test_backward_of_a_layer_that_draws_before_the_one_it_extends():
    class NoisyDropout(nn.Dropout):
        def forward(self, x):
            return super().forward(x + 0.0 * gg.random.uniform(x.shape))

    layer, x = NoisyDropout(0.5), gg.ones(100)
    output = layer(x)
    assert layer.backward(x, gg.ones(100)).tolist() == output.tolist()


def test_backward_does_not_change_buffers_twice():
    block, x = Block(), gg.ones((1, 2))
    block.forward(x)
    block.backward(x, gg.ones((1, 1)))
    assert block.count.item() == 1


def test_backward_works_without_a_forward_before_under_no_grad_and_from_arrays():
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.assign([[3.0, 4.0]])
    with gg.no_grad():
        assert layer.backward(np.ones((1, 2), np.float32), [[2.0]]).tolist() == [[6.0, 8.0]]
    assert layer.weight.grad.tolist() == [[2.0, 2.0]]


def test_backward_leaves_the_graph_of_its_input_alone():
    w = gg.tensor([[1.0]], requires_grad=True)
    layer = nn.Linear(1, 1)
    layer.backward(w * 2.0, [[1.0]])
    assert w.grad is None


def test_the_gradient_for_integers_or_an_unused_input_is_zero():
    class Constant(nn.Module):
        def forward(self, x):
            return gg.ones(2)

    class Lookup(nn.Module):
        def __init__(self):
            self.table = nn.Parameter([1.0, 2.0, 3.0])

        def forward(self, index):
            return self.table[index]

    assert Constant().backward(gg.ones(3), gg.ones(2)).tolist() == [0.0, 0.0, 0.0]
    lookup = Lookup()
    assert lookup.backward(gg.tensor([2, 2]), gg.ones(2)).tolist() == [0.0, 0.0]
    assert lookup.table.grad.tolist() == [0.0, 0.0, 2.0]


def test_mistakes_in_the_protocol():
    layer = nn.Linear(2, 1)
    assert message_of(lambda: layer.update_parameters(0.1)) == (
        "update_parameters found no gradient in Linear: call backward(x, grad_output) first"
    )
    assert message_of(lambda: layer.backward(gg.ones((3, 2)), gg.ones(3))) == (
        "the upstream gradient must have the shape of the result, (3, 1); got (3,). "
        "It is the gradient of the loss with respect to this result."
    )

    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    assert message_of(lambda: Pair().backward(gg.ones(2), gg.ones(2))) == (
        "backward needs a forward that returns a tensor; Pair returned a tuple"
    )
