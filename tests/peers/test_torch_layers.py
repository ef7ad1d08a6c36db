"""Layers and models against PyTorch's: the same state dict, the same outputs, the same gradients."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed, and these tests compare with it")

X = np.random.default_rng(0).normal(size=(6, 4)) * 3
X[0] = 0.0  # at the kinks


def compare(ours, theirs, x=X, rtol=1e-12):
    """Output, gradient of the input and of every parameter of two modules, for a random upstream gradient."""
    a, b = gg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = ours(a), theirs(b)
    upstream = np.random.default_rng(1).normal(size=z.shape)
    y.backward(gg.tensor(upstream))
    z.backward(torch.tensor(upstream))
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=rtol, atol=1e-15)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=rtol, atol=1e-15)
    for (name, p), (their_name, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == their_name
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=rtol, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ReLU", {}),
        ("LeakyReLU", {}),
        ("LeakyReLU", {"negative_slope": 0.3}),
        ("ELU", {}),
        ("ELU", {"alpha": 0.5}),
        ("Sigmoid", {}),
        ("Tanh", {}),
        ("Softplus", {}),
        ("Softplus", {"beta": 2.0}),
        ("Softmax", {"dim": 0}),
        ("Softmax", {"dim": -1}),
        ("LogSoftmax", {"dim": 1}),
        ("Identity", {}),
        ("Flatten", {}),
        ("Flatten", {"start_dim": 0}),
    ],
)
def test_layers_without_parameters(name, settings):
    compare(getattr(nn, name)(**settings), getattr(torch.nn, name)(**settings))


def build(package, dtype):
    return package.Sequential(
        package.Linear(4, 8, dtype=dtype),
        package.Tanh(),
        package.Sequential(package.Linear(8, 8, bias=False, dtype=dtype), package.ReLU()),
        package.Linear(8, 3, dtype=dtype),
        package.LogSoftmax(dim=1),
    )


def test_a_pytorch_state_dict_loads_unchanged():
    ours, theirs = build(nn, gg.float64), build(torch.nn, torch.float64)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    compare(ours, theirs, rtol=1e-10)


def test_ours_loads_into_pytorch():
    ours, theirs = build(nn, gg.float64), build(torch.nn, torch.float64)
    theirs.load_state_dict({name: torch.tensor(array.copy()) for name, array in ours.state_dict().items()})
    compare(ours, theirs, rtol=1e-10)


def test_modules_of_ones_own_have_the_same_names_in_the_same_order():
    def define(package, layer_list):
        class Net(package.Module):
            def __init__(self):
                super().__init__()
                self.layers = layer_list([package.Linear(2, 2), package.Linear(2, 1)])
                self.scale = package.Parameter(package.Linear(1, 1).weight)
                self.register("offset")

            def register(self, name):
                if package is nn:
                    setattr(self, name, nn.Buffer([0.0]))
                else:
                    self.register_buffer(name, torch.zeros(1))

        return Net()

    names = list(define(torch.nn, torch.nn.ModuleList).state_dict())
    assert names[:2] == ["scale", "offset"]
    assert list(define(nn, list).state_dict()) == list(define(nn, nn.ModuleList).state_dict()) == names


def test_parameters_that_pytorch_cannot_show_to_numpy_are_named():
    layer = nn.Linear(2, 1)
    state = {"weight": torch.zeros(1, 2, dtype=torch.bfloat16), "bias": torch.nn.Parameter(torch.zeros(1))}
    with pytest.raises(gg.CheckpointError) as caught:
        layer.load_state_dict(state)
    message = str(caught.value)
    assert (
        "\n  unreadable: 'weight' is a Tensor that NumPy cannot read: Got unsupported ScalarType BFloat16"
        in message
    )
    assert (
        "\n  unreadable: 'bias' is a Parameter that NumPy cannot read: Can't call numpy() on Tensor that"
        in message
    )


def test_training_a_model_follows_pytorch():
    ours, theirs = build(nn, gg.float64), build(torch.nn, torch.float64)
    ours.load_state_dict(theirs.state_dict())
    optimizers = gg.optim.Adam(ours.parameters(), lr=0.01), torch.optim.Adam(theirs.parameters(), lr=0.01)
    for _ in range(50):
        losses = [-(ours(gg.tensor(X))[:, 0]).mean(), -(theirs(torch.tensor(X))[:, 0]).mean()]
        for optimizer, loss in zip(optimizers, losses, strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-10)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-9, atol=1e-11)
