"""The nine training steps of the benchmarks, smaller: compiled they are what they are eagerly, parameters and states too."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compared import RELATIVE

import glassgrad as gg
from glassgrad import nn

FOLDER = Path(__file__).resolve().parent.parent.parent / "benchmarks"
sys.path.insert(0, str(FOLDER))
try:
    from workloads import NAMES, models
finally:
    sys.path.remove(str(FOLDER))

STEPS = 5
LATER = 100
"""How many times further five steps may be apart than one: the rounding of one step is an input of the next."""

F = nn.functional
Loss = Callable[..., Any]
Parts = tuple[nn.Module, Loss, Callable[[Any], Any], list[Any]]
"""A model, its loss on data, what makes its optimizer, and the data."""


class Lone(nn.Module):
    """Parameters without layers."""

    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, nn.Parameter(value))


def normal(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def integers(high: int, *shape: int) -> Any:
    return np.random.default_rng(1).integers(0, high, shape)


def bits(*shape: int) -> Any:
    return integers(2, *shape).astype(np.float32)


def sgd(parameters: Any) -> Any:
    return gg.optim.SGD(parameters, lr=1e-2)


def with_momentum(parameters: Any) -> Any:
    return gg.optim.SGD(parameters, lr=1e-2, momentum=0.9, weight_decay=5e-4)


# where a gradient is 0 but for rounding, as that of a key's bias in attention, the quotient of two moments amplifies it
# unless eps is larger
def adam(parameters: Any) -> Any:
    return gg.optim.Adam(parameters, lr=1e-3, eps=1e-4)


def adamw(parameters: Any) -> Any:
    return gg.optim.AdamW(parameters, lr=1e-3, eps=1e-4)


def hw0() -> Parts:
    model = Lone(x1=2.0, x2=1.0, x3=9.0, x4=3.0, x5=0.5, x6=0.25)

    def loss() -> Any:
        m = model
        return gg.sigmoid(gg.log(5.0 * (gg.maximum(m.x1, m.x2) * m.x3 / m.x4 - (m.x5 + m.x6)))) + 0.5

    return model, loss, sgd, []


def logistic() -> Parts:
    model = Lone(w=gg.zeros(64), b=gg.zeros(1))

    def loss(x: Any, y: Any) -> Any:
        return F.binary_cross_entropy_with_logits(x @ model.w + model.b, y) + 1e-4 * (model.w * model.w).sum()

    return model, loss, sgd, [normal(37, 64), bits(37)]


def two_layer() -> Parts:
    model = Lone(w1=gg.random.normal((300, 100)), w2=gg.random.normal((100, 10)))

    def loss(x: Any, y: Any) -> Any:
        return ((gg.sigmoid(x @ model.w1) @ model.w2 - y) ** 2).sum()

    return model, loss, lambda p: gg.optim.SGD(p, lr=1e-6), [normal(13, 300), normal(13, 10)]


def classification(model: nn.Module, optimizer: Any, classes: int, x: Any) -> Parts:
    return model, lambda x, y: F.cross_entropy(model(x), y), optimizer, [x, integers(classes, len(x))]


def mlp() -> Parts:
    return classification(models.multilayer_perceptron(), adam, 10, normal(7, 784))


def lenet() -> Parts:
    return classification(models.lenet(), with_momentum, 10, normal(5, 1, 28, 28))


def alexnet() -> Parts:
    """An eighth of the channels, pictures of 63 × 63."""
    model = nn.Sequential(
        *(nn.Conv2d(3, 8, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(8, 24, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(24, 48, 3, padding=1), nn.ReLU(), nn.Conv2d(48, 32, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(), nn.Dropout()),
        *(nn.Linear(32, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)),
    )
    return classification(model, with_momentum, 10, normal(3, 3, 63, 63))


def next_token(model: nn.Module, optimizer: Any, tokens: Any) -> Parts:
    def loss(tokens: Any) -> Any:
        logits = model(tokens[:, :-1])
        return F.cross_entropy(gg.reshape(logits, (-1, logits.shape[-1])), gg.reshape(tokens[:, 1:], -1))

    return model, loss, optimizer, [tokens]


def lstm() -> Parts:
    return next_token(models.CharacterLSTM(), adam, integers(96, 5, 5))


def ntm() -> Parts:
    model = models.NeuralTuringMachine(slots=17)
    return (
        model,
        lambda x, y: F.binary_cross_entropy_with_logits(model(x), y),
        adam,
        [bits(3, 3, 9), bits(3, 3, 8)],
    )


def gpt() -> Parts:
    return next_token(models.GPT(context=13, layers=1), adamw, integers(96, 3, 14))


WORKLOADS = {made.__name__: made for made in (hw0, logistic, two_layer, mlp, lenet, alexnet, lstm, ntm, gpt)}


def cast(model: nn.Module, dtype: Any) -> None:
    """Give a model new parameters, of another dtype."""
    for module in model.modules():
        for name, value in list(vars(module).items()):
            if isinstance(value, nn.Parameter):
                setattr(module, name, nn.Parameter(value.numpy().astype(dtype)))


class Training:
    """A workload at its beginning, its step made by `decorate`."""

    def __init__(self, name: str, dtype: Any, decorate: Callable[[Any], Any]) -> None:
        gg.random.seed(3)
        self.model, loss, make, data = WORKLOADS[name]()
        cast(self.model, dtype)
        self.optimizer = optimizer = make(self.model.parameters())
        self.data = [gg.asarray(x.astype(dtype) if x.dtype.kind == "f" else x) for x in data]

        def step(*data: Any) -> Any:
            optimizer.zero_grad()
            found = loss(*data)
            found.backward()
            optimizer.step()
            return found

        self.run = decorate(step)

    def cells(self) -> dict[str, Any]:
        """All that a step changes."""
        names = {id(cell): name for name, cell in self.model.named_parameters()}
        kept = {
            f"{key} of {names[id(parameter)]}": cell
            for parameter, state in self.optimizer.state.items()
            for key, cell in state.items()
        }
        return {**dict(self.model.named_parameters()), **kept}

    def state(self) -> dict[str, Any]:
        return {name: cell.numpy().copy() for name, cell in self.cells().items()}

    def steps(self, count: int) -> list[dict[str, Any]]:
        """The loss and the state after each of some steps."""
        return [{"loss": self.run(*self.data).numpy(), **self.state()} for _ in range(count)]


def assert_like_eager(found: list[dict[str, Any]], name: str, dtype: Any) -> None:
    wanted = Training(name, dtype, lambda step: step).steps(len(found))
    for number, (ours, theirs) in enumerate(zip(found, wanted, strict=True)):
        assert ours.keys() == theirs.keys()
        tolerance = RELATIVE[np.dtype(dtype).itemsize] * (LATER if number else 1)
        for key, value in theirs.items():
            assert (ours[key].dtype, ours[key].shape) == (value.dtype, value.shape), key
            tell = f"{key}, step {number}"
            np.testing.assert_allclose(
                ours[key], value, rtol=0, atol=tolerance * np.abs(value).max(), err_msg=tell
            )
    assert wanted[0]["loss"] != wanted[-1]["loss"]


@pytest.fixture(autouse=True, scope="module")
def kept_code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What one test has compiled is loaded by the next: machine code is the same for every number of threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSGRAD_CACHE_DIR", str(tmp_path_factory.mktemp("code")))
        before = gg.get_num_threads()
        yield
        gg.set_num_threads(before)


def test_all_are_here() -> None:
    assert list(WORKLOADS) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_float32_checked(name: str) -> None:
    """Compared from a common beginning, step by step by the compiler itself, which then is compared with eager steps."""
    training = Training(name, np.float32, lambda step: gg.compile(step, check=True))
    found = training.steps(STEPS)
    assert training.run.calls == STEPS
    assert_like_eager(found, name, np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_float64(name: str) -> None:
    assert_like_eager(Training(name, np.float64, gg.compile).steps(STEPS), name, np.float64)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_with_any_number_of_threads(name: str) -> None:
    training = Training(name, np.float32, gg.compile)
    training.steps(1)
    beginning, drawn = training.state(), gg.random.get_state()
    found = []
    for number in (1, 2, 3):
        gg.set_num_threads(number)
        for key, cell in training.cells().items():
            cell.assign(beginning[key])
        gg.random.set_state(drawn)
        found.append(training.steps(3))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            for key in a:
                np.testing.assert_array_equal(a[key], b[key], err_msg=key)
