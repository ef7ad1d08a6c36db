"""Mistakes with backward: what there is to go back through, what cut it off and where, and what gradients are kept."""

import pytest
from mistake import Mistake

import glassgrad as gg

MISTAKES = [
    Mistake(
        "backward of several numbers",
        """
        w = gg.tensor([1.0, 2.0], requires_grad=True)
        loss = w * w
        loss.backward()
        """,
        error=gg.GraphError,
        says=(
            "backward() of a tensor of shape (2,) needs an upstream gradient of that shape. Reduce it to a "
            "single number first (for example loss.mean()), or pass one: backward(upstream). (at train.py:3)"
        ),
        cure={"loss.backward()": "loss.mean().backward()"},
        then="assert w.grad.tolist() == [1.0, 2.0]",
    ),
    Mistake(
        "an upstream gradient of another shape",
        """
        w = gg.tensor([1.0, 2.0], requires_grad=True)
        y = w * w
        y.backward(gg.tensor(1.0))
        """,
        error=gg.ShapeError,
        says=(
            "the upstream gradient must have the shape of the result, (2,); got (). It is the gradient of "
            "the loss with respect to this result. (at train.py:3)"
        ),
        cure={"gg.tensor(1.0)": "gg.tensor([1.0, 1.0])"},
    ),
    Mistake(
        "backward twice",
        """
        w = gg.tensor(3.0, requires_grad=True)
        loss = w * w
        loss.backward()
        loss.backward()
        """,
        error=gg.GraphError,
        says=(
            "the graph behind this result was freed by the backward() at train.py:3. Run the forward "
            "computation again, or pass retain_graph=True to that backward(). (at train.py:4)"
        ),
        cure={"loss.backward()\nloss.backward()": "loss.backward(retain_graph=True)\nloss.backward()"},
        then="assert w.grad.item() == 12.0",
    ),
    Mistake(
        "a part of the graph computed before the loop",
        """
        w = gg.tensor(3.0, requires_grad=True)
        squared = w * w
        for factor in (1.0, 2.0):
            loss = factor * squared
            loss.backward()
        """,
        error=gg.GraphError,
        says=(
            "the graph behind this result was freed by the backward() at train.py:5. Run the forward "
            "computation again, or pass retain_graph=True to that backward(). (at train.py:5)"
        ),
        cure={"factor * squared": "factor * (w * w)"},
        then="assert w.grad.item() == 18.0",
    ),
    Mistake(
        "backward of a detached result",
        """
        w = gg.tensor(3.0, requires_grad=True)
        output = (w * w).detach()
        loss = output - 1
        loss.backward()
        """,
        error=gg.GraphError,
        says=(
            "backward() has nothing to go back through: a tensor this result depends on was detached by "
            ".detach() at train.py:2. Remove that, or keep it out of the path from the parameters to the "
            "loss. (at train.py:4)"
        ),
        cure={".detach()": ""},
    ),
    Mistake(
        "the loss computed under no_grad",
        """
        w = gg.tensor(3.0, requires_grad=True)
        with gg.no_grad():
            loss = w * w
        loss.backward()
        """,
        error=gg.GraphError,
        says=(
            "backward() has nothing to go back through: a tensor this result depends on was computed under "
            "gg.no_grad() at train.py:3. Remove that, or keep it out of the path from the parameters to the "
            "loss. (at train.py:4)"
        ),
        cure={"with gg.no_grad():\n    loss": "loss"},
    ),
    Mistake(
        "no variable at all",
        """
        w = gg.tensor(3.0)
        loss = w * w
        loss.backward()
        """,
        error=gg.GraphError,
        says=(
            "backward() has nothing to go back through: no tensor in this computation required a gradient. "
            "Make the variables with gg.tensor(..., requires_grad=True) or nn.Parameter; and compute with "
            "gg's functions, because what goes through .item(), float(), .numpy() or math leaves the graph. "
            "(at train.py:3)"
        ),
        cure={"gg.tensor(3.0)": "gg.tensor(3.0, requires_grad=True)"},
    ),
    Mistake(
        "the loss through a Python number",
        """
        w = gg.tensor(3.0, requires_grad=True)
        error = (w - 1).item()
        loss = gg.tensor(error**2)
        loss.backward()
        """,
        error=gg.GraphError,
        says=(
            "backward() has nothing to go back through: no tensor in this computation required a gradient. "
            "Make the variables with gg.tensor(..., requires_grad=True) or nn.Parameter; and compute with "
            "gg's functions, because what goes through .item(), float(), .numpy() or math leaves the graph. "
            "(at train.py:4)"
        ),
        cure={".item()": "", "gg.tensor(error**2)": "error**2"},
        then="assert w.grad.item() == 4.0",
    ),
    Mistake(
        "losses joined by gg.tensor",
        """
        w = gg.tensor(3.0, requires_grad=True)
        losses = gg.tensor([w * w, 2 * w])
        losses.mean().backward()
        """,
        error=gg.GraphError,
        says=(
            "backward() has nothing to go back through: a tensor this result depends on was copied by "
            "gg.tensor(), which starts anew (gg.stack joins tensors), at train.py:2. Remove that, or keep it "
            "out of the path from the parameters to the loss. (at train.py:3)"
        ),
        cure={"gg.tensor([w": "gg.stack([w"},
        then="assert w.grad.item() == 4.0",
    ),
    Mistake(
        "accuracy as the loss",
        """
        model = nn.Linear(4, 3)
        x, labels = gg.ones((2, 4)), gg.tensor([0, 2])
        predicted = gg.argmax(model(x), axis=1)
        loss = gg.astype(predicted != labels, gg.float32).mean()
        loss.backward()
        """,
        error=gg.GraphError,
        says=(
            "backward() has nothing to go back through: no gradient passes argmax at train.py:3, because its "
            "result is a position, an integer. Keep it out of the path from the parameters to the loss. (at "
            "train.py:5)"
        ),
        cure={
            "predicted = gg.argmax(model(x), axis=1)\n": "",
            "gg.astype(predicted != labels, gg.float32).mean()": "nn.CrossEntropyLoss()(model(x), labels)",
        },
    ),
    Mistake(
        "a comparison on the way to the loss",
        """
        w = gg.tensor([0.5, 2.0], requires_grad=True)
        above = w > 1.0
        loss = gg.astype(above, gg.float32).sum()
        loss.backward()
        """,
        error=gg.GraphError,
        says=(
            "backward() has nothing to go back through: no gradient passes greater at train.py:2, because "
            "its result is true or false. Keep it out of the path from the parameters to the loss. (at "
            "train.py:4)"
        ),
        cure={"w > 1.0": "w - 1.0"},
    ),
    Mistake(
        "a gradient through integers",
        """
        w = gg.tensor([0.5, 2.0], requires_grad=True)
        loss = w.astype(gg.int64).sum()
        loss.backward()
        """,
        error=gg.GraphError,
        says=(
            "backward() has nothing to go back through: no gradient passes astype at train.py:2, because "
            "integers and booleans carry no gradient. Keep it out of the path from the parameters to the "
            "loss. (at train.py:3)"
        ),
        cure={".astype(gg.int64)": ""},
    ),
    Mistake(
        "round on the way to the loss",
        """
        w = gg.tensor([0.4, 1.8], requires_grad=True)
        loss = (gg.round(w) ** 2).sum()
        loss.backward()
        """,
        warns=(
            (
                "train.py:3: every gradient of this backward() is 0: round at train.py:2 is piecewise constant, "
                "so no gradient passes. Keep it out of the path from the parameters to the loss."
            ),
        ),
        cure={"gg.round(w)": "w"},
    ),
    Mistake(
        "the gradient of an intermediate result",
        """
        w = gg.tensor([1.0, 2.0], requires_grad=True)
        hidden = 3 * w
        (hidden * hidden).sum().backward()
        gradient = hidden.grad
        """,
        warns=(
            (
                "train.py:4: the gradient of an intermediate result (multiply at train.py:2) is not kept: .grad "
                "is None. Call .retain_grad() on it before backward(), or look at every gradient with "
                "gg.graph_of(loss). If it should be a variable: x = x - step made a new tensor; an nn.Parameter "
                "is changed by p.assign(p - step)."
            ),
        ),
        cure={"hidden = 3 * w": "hidden = (3 * w).retain_grad()"},
        then="assert gradient.tolist() == [6.0, 12.0]",
    ),
    Mistake(
        "a step that makes a new tensor of the variable",
        """
        w = gg.tensor(1.0, requires_grad=True)
        for step in range(2):
            loss = (w - 3) ** 2
            w.grad = None
            loss.backward()
            if w.grad is not None:
                w -= 0.25 * w.grad
        """,
        warns=(
            (
                "train.py:6: the gradient of an intermediate result (subtract at train.py:7) is not kept: .grad "
                "is None. Call .retain_grad() on it before backward(), or look at every gradient with "
                "gg.graph_of(loss). If it should be a variable: x = x - step made a new tensor; an nn.Parameter "
                "is changed by p.assign(p - step)."
            ),
        ),
        cure={
            "gg.tensor(1.0, requires_grad=True)": "nn.Parameter(1.0)",
            "w -= 0.25 * w.grad": "w.assign(w - 0.25 * w.grad)",
        },
        then="assert w.item() == 2.5",
    ),
    Mistake(
        "an in-place operator on a parameter",
        """
        w = nn.Parameter(1.0)
        (w * w).backward()
        w -= 0.25 * w.grad
        """,
        error=gg.ArgumentError,
        says=(
            "an operator such as -= would only give the name to a new tensor and leave this Parameter as it "
            "was. Write p.assign(p - step) to change it, or y = p - step for a new tensor. (at train.py:3)"
        ),
        cure={"w -= 0.25 * w.grad": "w.assign(w - 0.25 * w.grad)"},
        then="assert w.item() == 0.5",
    ),
    Mistake(
        "a gradient before backward",
        """
        w = nn.Parameter(1.0)
        loss = w * w
        step = w - w.grad
        """,
        error=gg.DTypeError,
        says=(
            "a tensor holds numbers; got None. Is it the .grad of a tensor before backward(), or the result "
            "of a function without return? (at train.py:3)"
        ),
        cure={"loss = w * w": "(w * w).backward()"},
        then="assert step.item() == -1.0",
    ),
    Mistake(
        "requires_grad switched on afterwards",
        """
        x = gg.ones(3)
        x.requires_grad = True
        """,
        error=gg.GraphError,
        says=(
            "whether a tensor requires a gradient is decided when it is made: gg.tensor(x, "
            "requires_grad=True) (at train.py:2)"
        ),
        cure={"x.requires_grad = True": "x = gg.tensor(x, requires_grad=True)"},
        then="assert x.requires_grad",
    ),
    Mistake(
        "the graph of a function",
        """
        def f(x):
            return x * x

        gg.graph_of(f)
        """,
        error=gg.ArgumentError,
        says=(
            "graph_of takes tensors, results of a computation; got function. Call a function first: "
            "gg.graph_of(f(x)). (at train.py:4)"
        ),
        cure={"gg.graph_of(f)": "gg.graph_of(f(gg.tensor(2.0, requires_grad=True)))"},
    ),
    Mistake(
        "the graph of something not recorded",
        """
        total = gg.ones(3).sum()
        gg.graph_of(total)
        """,
        error=gg.GraphError,
        says=(
            "graph_of needs a tensor computed from one with requires_grad=True (and not under gg.no_grad()): "
            "only those are recorded (at train.py:2)"
        ),
        cure={"gg.ones(3)": "gg.tensor([1.0, 1.0, 1.0], requires_grad=True)"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_backward(mistake: Mistake) -> None:
    mistake.check()
