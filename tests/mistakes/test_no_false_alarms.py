"""Programs that look like mistakes and are none: they run without a word."""

import pytest
from mistake import run

PROGRAMS = {
    "gradients accumulated over two batches on purpose": """
        model = nn.Linear(2, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for step in range(3):
            for part in range(2):
                model(gg.ones((3, 2))).mean().backward()
            optimizer.step()
            optimizer.zero_grad()
        """,
    "zero_grad of the model instead of the optimizer": """
        model = nn.Linear(2, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for step in range(3):
            model.zero_grad()
            model(gg.ones((3, 2))).mean().backward()
            optimizer.step()
        """,
    "two optimizers, whose parameters got one and the same gradient": """
        a, b = nn.Parameter(1.0), nn.Parameter(2.0)
        first, second = optim.SGD([a], lr=0.1), optim.SGD([b], lr=0.1)
        for step in range(3):
            a.grad = b.grad = None
            (a + b).backward()
            first.step()
            second.step()
        """,
    "gradients of the other model left over, as in adversarial training": """
        maker, judge = nn.Linear(2, 2), nn.Linear(2, 1)
        make, judging = optim.SGD(maker.parameters(), lr=0.1), optim.SGD(judge.parameters(), lr=0.1)
        for step in range(3):
            judging.zero_grad()
            judge(maker(gg.ones((3, 2))).detach()).mean().backward()
            judging.step()
            make.zero_grad()
            judge(maker(gg.ones((3, 2)))).mean().backward()
            make.step()
        """,
    "two steps along the same gradient": """
        p = nn.Parameter([1.0, 2.0])
        optimizer = optim.SGD([p], lr=0.1, momentum=0.9)
        p.grad = gg.ones(2)
        optimizer.step()
        optimizer.step()
        """,
    "gradients made smaller between backward and step": """
        model = nn.Linear(2, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for step in range(3):
            optimizer.zero_grad()
            model(gg.ones((3, 2))).mean().backward()
            for p in model.parameters():
                p.grad = gg.clip(p.grad, -0.1, 0.1)
            optimizer.step()
        """,
    "rounding that gradients pass straight through": """
        w = gg.tensor([0.4, 1.8], requires_grad=True)
        rounded = w + gg.stop_gradient(gg.round(w) - w)
        (rounded * rounded).sum().backward()
        assert w.grad.tolist() == [0.0, 4.0]
        """,
    "rounding beside the path of the gradients": """
        w = gg.tensor([0.4, 1.8], requires_grad=True)
        (w - gg.round(w)).sum().backward()
        assert w.grad.tolist() == [1.0, 1.0]
        """,
    "a gradient that is 0 because of the values": """
        w = gg.tensor([1.0, 2.0], requires_grad=True)
        gg.maximum(w, 5.0).sum().backward()
        assert w.grad.tolist() == [0.0, 0.0]
        """,
    "dropout under no_grad in evaluation mode": """
        model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).eval()
        with gg.no_grad():
            model(gg.ones((1, 2)))
        """,
    "dropout of nothing under no_grad": """
        with gg.no_grad():
            nn.Dropout(0.0)(gg.ones(3))
        """,
    "small scores that are no probabilities": """
        scores = gg.tensor([[0.2, 0.3, 0.4], [0.1, 0.1, 0.1]])
        nn.CrossEntropyLoss()(scores, gg.tensor([0, 1]))
        """,
    "scores between 0 and 1 that came from no sigmoid": """
        model = nn.Linear(2, 1)
        nn.BCEWithLogitsLoss()(0.5 + 0.0 * model(gg.ones((3, 2))), gg.ones((3, 1)))
        """,
    "a module that keeps results and constants": """
        class Net(nn.Module):
            def __init__(self):
                self.layer = nn.Linear(2, 1)
                self.scale = gg.tensor([10.0])

            def forward(self, x):
                self.hidden = self.layer(x)
                return self.scale * self.hidden

        model = Net()
        model(gg.ones((1, 2))).sum().backward()
        assert len(list(model.parameters())) == 2
        """,
    "a parameter replaced by another, and a bias removed": """
        layer = nn.Linear(2, 1)
        layer.weight = nn.Parameter(gg.zeros((1, 2)))
        layer.bias = None
        assert layer(gg.ones((3, 2))).tolist() == [[0.0]] * 3
        """,
    "a module of one's own, made of a tensor": """
        class Scale(nn.Module):
            def __init__(self, factor):
                self.factor = nn.Parameter(factor)

            def forward(self, x):
                return self.factor * x

        assert Scale(gg.tensor(2.0))(gg.tensor(3.0)).item() == 6.0
        """,
    "a loss with a weight for each class": """
        nn.CrossEntropyLoss(gg.tensor([1.0, 2.0]))(gg.zeros((1, 2)), gg.tensor([1]))
        """,
    "whole numbers as targets of a regression": """
        nn.MSELoss()(gg.zeros((3, 1)), gg.tensor([[1], [2], [3]]))
        """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_false_alarms(name: str) -> None:
    outcome = run(PROGRAMS[name])
    if outcome.error is not None:
        raise outcome.error
    assert outcome.warnings == []
