"""Training steps: parameters, optimizers, random numbers and modes inside a compiled function, as without it."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compared import RELATIVE, assert_arrays_close

import glassgrad as gg
from glassgrad.compiler import compile
from glassgrad.nn import functional

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: gg.optim.SGD(p, lr=0.1),
    "momentum": lambda p: gg.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.1),
    "nesterov": lambda p: gg.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "weight decay": lambda p: gg.optim.SGD(p, lr=0.1, momentum=0.5, weight_decay=0.01),
    "Adam": lambda p: gg.optim.Adam(p, lr=0.01),
    "Adam with weight decay": lambda p: gg.optim.Adam(p, lr=0.01, weight_decay=0.1),
    "AdamW": lambda p: gg.optim.AdamW(p, lr=0.01, weight_decay=0.1),
}


def network(*drop: float) -> Any:
    """Two layers, and for each probability a layer with dropout between them."""
    gg.random.seed(4)
    between = [layer for p in drop for layer in (gg.nn.Dropout(p), gg.nn.Linear(8, 8))]
    return gg.nn.Sequential(gg.nn.Linear(5, 8), gg.nn.Tanh(), *between, gg.nn.Linear(8, 3))


def batches(count: int) -> list[Any]:
    rng = np.random.default_rng(5)
    return [
        (gg.asarray(rng.normal(size=(6, 5)).astype(np.float32)), gg.asarray(rng.integers(0, 3, 6)))
        for _ in range(count)
    ]


class Training:
    """A model, an optimizer and a step, and what running it leaves behind."""

    def __init__(self, model: Any, optimizer: Any, compiled: bool) -> None:
        self.model, self.optimizer = model, optimizer

        def step(x: Any, labels: Any) -> Any:
            loss = functional.cross_entropy(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        self.step: Any = compile(step) if compiled else step

    def state(self) -> dict[str, Any]:
        return {**self.model.state_dict(), **self.optimizer.state_dict()["state"]}


def assert_same_states(found: Training, wanted: Training) -> None:
    a, b = found.state(), wanted.state()
    assert a.keys() == b.keys()
    for name in a:
        assert_arrays_close(a[name], b[name])


def run_both(
    make: Callable[[bool], Training],
    meanwhile: Callable[[Training, int], None] = lambda training, call: None,
    calls: int = 4,
) -> tuple[Training, Training]:
    """Run a training compiled and as it is, and compare losses, state and random numbers after each call."""
    results = []
    for compiled in (True, False):
        training = make(compiled)
        gg.random.seed(11)
        losses = []
        for call, batch in enumerate(batches(calls)):
            losses.append(training.step(*batch).item())
            meanwhile(training, call)
        results.append((training, losses, gg.random.get_state()))
    (found, losses, state), (wanted, right_losses, right_state) = results
    np.testing.assert_allclose(losses, right_losses, rtol=RELATIVE[4])
    assert_same_states(found, wanted)
    assert state == right_state
    return found, wanted


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str) -> None:
    def make(compiled: bool) -> Training:
        model = network()
        return Training(model, OPTIMIZERS[name](model.parameters()), compiled)

    found, _ = run_both(make)
    assert found.step.compilations == 1


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_another_learning_rate_needs_no_other_program(name: str) -> None:
    def make(compiled: bool) -> Training:
        model = network()
        training = Training(model, OPTIMIZERS[name](model.parameters()), compiled)
        training.scheduler = gg.optim.lr_scheduler.StepLR(training.optimizer, step_size=1, gamma=0.5)  # type: ignore[attr-defined]
        return training

    found, _ = run_both(make, lambda training, call: training.scheduler.step())  # type: ignore[attr-defined]
    assert found.step.compilations == 1


def test_another_setting_needs_another_program() -> None:
    def make(compiled: bool) -> Training:
        model = network()
        return Training(model, OPTIMIZERS["weight decay"](model.parameters()), compiled)

    def change(training: Training, call: int) -> None:
        training.optimizer.param_groups[0]["weight_decay"] = 0.5 if call % 2 else 0.0

    with pytest.warns(UserWarning, match="a setting that it reads has changed"):
        found, _ = run_both(make, change, calls=6)
    # for 0.01, 0.0 and 0.5, and each serves later calls with the same setting
    assert found.step.compilations == 3


@pytest.mark.parametrize("name", ["SGD", "weight decay", "Adam", "AdamW"])
def test_the_first_call_is_compiled(name: str) -> None:
    """The state of an optimizer that it makes begins with known values, so the trace goes on with it."""

    def make(compiled: bool) -> Training:
        model = network()
        return Training(model, OPTIMIZERS[name](model.parameters()), compiled)

    found, _ = run_both(make, calls=1)
    assert found.step.compilations == 1


def test_state_made_of_what_the_call_computes_waits_for_the_next_call() -> None:
    """With dampening the first momentum is the first gradient."""

    def make(compiled: bool) -> Training:
        model = network()
        return Training(
            model, gg.optim.SGD(model.parameters(), lr=0.1, momentum=0.5, dampening=0.2), compiled
        )

    found, _ = run_both(make, calls=1)
    assert found.step.compilations == 0
    found, _ = run_both(make, calls=4)
    assert found.step.compilations == 1


def test_state_made_in_a_trace_that_fails_has_its_value() -> None:
    weight, made = gg.nn.Parameter([1.0, 2.0]), []

    @gg.compile
    def step(x: Any) -> Any:
        made.append(gg.nn.Buffer(np.array([3.0, 4.0], np.float32)))
        made[0].assign(made[0].detach() + weight.detach() * x)
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        step(gg.tensor(5.0))
    assert made[0].tolist() == [3.0, 4.0]


def test_dropout_draws_the_same_numbers() -> None:
    def make(compiled: bool) -> Training:
        model = network(0.5, 0.3)
        return Training(model, OPTIMIZERS["Adam"](model.parameters()), compiled)

    found, _ = run_both(make)
    assert found.step.compilations == 1


def test_random_numbers() -> None:
    generator, twin = gg.random.Generator(3), gg.random.Generator(3)

    def draw(generator: Any, low: float) -> Any:
        return (
            generator.uniform((2, 3), low, 1.0),
            generator.normal(5),
            generator.bernoulli(0.5, 4),
            generator.permutation(6),
        )

    compiled = compile(lambda low: draw(generator, 0.0))
    for _ in range(3):
        for a, b in zip(compiled(0.0), draw(twin, 0.0), strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)
        assert generator.get_state() == twin.get_state()
    generator.set_state({"seed": 8, "offset": 2})
    twin.set_state({"seed": 8, "offset": 2})
    np.testing.assert_array_equal(compiled(0.0)[0].numpy(), draw(twin, 0.0)[0].numpy())


def test_going_back_to_a_random_state_of_the_same_call() -> None:
    def function(x: Any) -> Any:
        first = gg.random.uniform(3)
        state = gg.random.get_state()
        second = gg.random.uniform(3)
        gg.random.set_state(state)
        return x, first, second, gg.random.uniform(3)

    compiled, results = compile(function), []
    for run in (compiled, function):
        gg.random.seed(2)
        results.append([[part.tolist() for part in run(gg.ones(1))] for _ in range(3)])
        results.append(gg.random.get_state())
    assert results[0] == results[2]
    assert results[1] == results[3]
    assert results[0][0][2] == results[0][0][3]


def test_train_and_eval_are_noticed() -> None:
    model = network(0.5)
    compiled = compile(lambda x: model(x))
    x = batches(1)[0][0]
    gg.random.seed(1)
    noisy = compiled(x)
    model.eval()
    with pytest.warns(UserWarning, match="a setting that it reads has changed"):
        np.testing.assert_allclose(compiled(x).numpy(), model(x).numpy(), rtol=1e-5, atol=1e-6)
    model.train()
    gg.random.seed(1)
    np.testing.assert_array_equal(compiled(x).numpy(), noisy.numpy())
    assert compiled.compilations == 2


def test_a_mode_that_nothing_reads_needs_no_other_program() -> None:
    model = network()
    compiled = compile(lambda x: model(x))
    compiled(batches(1)[0][0])
    model.eval()
    compiled(batches(1)[0][0])
    assert compiled.compilations == 1


def test_parameters_assigned_from_outside() -> None:
    def make(compiled: bool) -> Training:
        model = network()
        return Training(model, OPTIMIZERS["momentum"](model.parameters()), compiled)

    def assign(training: Training, call: int) -> None:
        training.model[0].weight.assign(training.model[0].weight.detach() * 0.5)
        if call == 2:
            training.model.load_state_dict(
                {name: array * 1.5 for name, array in training.model.state_dict().items()}
            )

    found, _ = run_both(make, assign)
    assert found.step.compilations == 1


def test_a_loaded_optimizer_state_is_used() -> None:
    def make(compiled: bool) -> Training:
        model = network()
        return Training(model, OPTIMIZERS["Adam"](model.parameters()), compiled)

    def load(training: Training, call: int) -> None:
        if call == 2:
            state = training.optimizer.state_dict()
            state["state"] = {name: array * 2.0 for name, array in state["state"].items()}
            training.optimizer.load_state_dict(state)

    with pytest.warns(UserWarning, match="a setting that it reads has changed"):
        run_both(make, load, calls=6)


def test_two_optimizers() -> None:
    class Two(Training):
        def __init__(self, compiled: bool) -> None:
            model = network()
            first = gg.optim.SGD(model[0].parameters(), lr=0.1, momentum=0.9)
            second = gg.optim.Adam(model[2].parameters(), lr=0.01)
            super().__init__(model, first, False)

            def step(x: Any, labels: Any) -> Any:
                loss = functional.cross_entropy(model(x), labels)
                for optimizer in (first, second):
                    optimizer.zero_grad()
                loss.backward()
                for optimizer in (first, second):
                    optimizer.step()
                return loss

            self.step = compile(step) if compiled else step

    found, _ = run_both(Two)
    assert found.step.compilations == 1


def test_groups_with_rates_of_their_own() -> None:
    def make(compiled: bool) -> Training:
        model = network()
        groups = [{"params": model[0].parameters(), "lr": 0.5}, {"params": model[2].parameters()}]
        return Training(model, gg.optim.SGD(groups, lr=0.01), compiled)

    run_both(make)


def test_frozen_and_thawed_parameters() -> None:
    def make(compiled: bool) -> Training:
        model = network()
        model[0].requires_grad_(False)
        return Training(model, OPTIMIZERS["SGD"](model.parameters()), compiled)

    def thaw(training: Training, call: int) -> None:
        training.model[0].requires_grad_(call >= 1)

    with pytest.warns(UserWarning, match="a setting that it reads has changed"):
        found, _ = run_both(make, thaw)
    assert found.step.compilations == 2
    assert not np.array_equal(found.model[0].weight.numpy(), network()[0].weight.numpy())


def test_several_steps_in_one_call() -> None:
    class Unrolled(Training):
        def __init__(self, compiled: bool) -> None:
            model = network(0.2)
            super().__init__(model, OPTIMIZERS["Adam"](model.parameters()), False)
            inner = self.step

            def step(x: Any, labels: Any) -> Any:
                return inner(x, labels) + inner(x * 0.5, labels)

            self.step = compile(step) if compiled else step

    run_both(Unrolled)


def test_accumulated_gradients_in_one_call() -> None:
    class Accumulated(Training):
        def __init__(self, compiled: bool) -> None:
            model = network()
            optimizer = OPTIMIZERS["SGD"](model.parameters())
            super().__init__(model, optimizer, False)

            def step(x: Any, labels: Any) -> Any:
                optimizer.zero_grad()
                losses = [functional.cross_entropy(model(x[i::2]), labels[i::2]) for i in (0, 1)]
                for loss in losses:
                    (loss / 2.0).backward()
                optimizer.step()
                return losses[0] + losses[1]

            self.step = compile(step) if compiled else step

    run_both(Accumulated)


def test_gradients_end_with_the_call() -> None:
    model = network()
    x, labels = batches(1)[0]
    functional.cross_entropy(model(x), labels).backward()
    before = {name: p.grad.numpy().copy() for name, p in model.named_parameters()}
    training = Training(model, OPTIMIZERS["SGD"](model.parameters()), True)
    training.step(x, labels)
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(parameter.grad.numpy(), before[name])


def test_gradients_that_would_add_up_are_warned_of() -> None:
    model = network()
    compiled = compile(lambda x: model(x).sum().backward())
    with pytest.warns(UserWarning, match=r"the gradients of 4 parameters, and they end with the call"):
        compiled(batches(1)[0][0])


def test_the_lectures_protocol() -> None:
    results = []
    for run in (compile, lambda function: function):
        model = network(0.5)
        criterion = gg.nn.CrossEntropyLoss()
        gg.random.seed(6)

        def step(x: Any, labels: Any, model: Any = model, criterion: Any = criterion) -> Any:
            output = model.forward(x)
            model.zero_grad_parameters()
            upstream = criterion.backward(output, labels)
            downstream = model.backward(x, upstream)
            model.update_parameters(0.1)
            return downstream

        step = run(step)
        found = [step(*batch).numpy() for batch in batches(3)]
        results.append((found, list(model.state_dict().values()), gg.random.get_state()))
    for a, b in zip(results[0][0] + results[0][1], results[1][0] + results[1][1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert results[0][2] == results[1][2]


def test_unrelated_parameters_are_left_alone() -> None:
    other = network()
    model = network()
    compiled = compile(lambda x: model(x))
    compiled(batches(1)[0][0])
    assert len(compiled.graph.inputs) == 5
    assert other[0].weight.value is not None


def test_a_failing_trace_leaves_everything_as_it_was() -> None:
    model = network()
    training = Training(model, OPTIMIZERS["SGD"](model.parameters()), True)
    values, nodes = [p.value for p in model.parameters()], [p.node for p in model.parameters()]
    with pytest.raises(gg.ShapeError, match="Linear expects 5 input features"):
        training.step(gg.ones((6, 4)), batches(1)[0][1])
    assert all(p.value is value for p, value in zip(model.parameters(), values, strict=True))
    assert all(p.node is node for p, node in zip(model.parameters(), nodes, strict=True))
    functional.cross_entropy(model(batches(1)[0][0]), batches(1)[0][1]).backward()
    training.step(*batches(1)[0])


def test_no_warnings_in_an_ordinary_training() -> None:
    model = network(0.1)
    training = Training(model, OPTIMIZERS["Adam"](model.parameters()), True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses = [training.step(*batch).item() for batch in batches(1) * 30]
    assert losses[-1] < losses[0]
