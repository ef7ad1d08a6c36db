"""Mistakes with gg.fit: what cannot be trained is said before the first step, what goes wrong later with its place."""

import pytest
from mistake import Mistake

import glassgrad as gg

BEGIN = """
x = np.linspace(-1, 1, 64, dtype=np.float32).reshape(64, 1)
y = 3 * x + 1
data = gg.data.DataLoader((x, y), batch_size=16)
model = nn.Linear(1, 1)
optimizer = optim.SGD(model.parameters(), lr=0.1)
loss = nn.MSELoss()
"""


def fitting(
    name: str,
    says: str = "",
    *,
    error: type[Exception] | None = None,
    cure: dict[str, str],
    begin: str = BEGIN,
    call: str = "gg.fit(model, loss, data, optimizer, epochs=2, progress=False)",
    warns: tuple[str, ...] = (),
) -> Mistake:
    """A mistake in a program that begins as above and ends in a call of gg.fit."""
    return Mistake(name, f"{begin}{call}", cure, says, error, warns)


def but(wrong: str, right: str) -> str:
    """The beginning with `wrong` in the place of `right`."""
    assert right in BEGIN
    return BEGIN.replace(right, wrong)


MISTAKES = [
    fitting(
        "arrays instead of a DataLoader",
        "?",
        error=gg.ArgumentError,
        call="gg.fit(model, loss, (x, y), optimizer, epochs=2, progress=False)",
        cure={"(x, y), optimizer": "gg.data.DataLoader((x, y), batch_size=32), optimizer"},
    ),
    fitting(
        "inputs without targets",
        "?",
        error=gg.DataError,
        begin=but("DataLoader(x, batch", "DataLoader((x, y), batch"),
        cure={"DataLoader(x, batch": "DataLoader((x, y), batch"},
    ),
    fitting(
        "the class of a loss",
        "?",
        error=gg.ArgumentError,
        begin=but("nn.MSELoss\n", "nn.MSELoss()\n"),
        cure={"nn.MSELoss\n": "nn.MSELoss()\n"},
    ),
    fitting(
        "a loss by name",
        "?",
        error=gg.ArgumentError,
        begin=but('loss = "mse"', "loss = nn.MSELoss()"),
        cure={'"mse"': "nn.MSELoss()"},
    ),
    fitting(
        "a loss that is not one number",
        "?",
        error=gg.ShapeError,
        begin=but('nn.MSELoss(reduction="none")', "nn.MSELoss()"),
        cure={'"none"': '"mean"'},
    ),
    fitting(
        "a loss with detach in it",
        "?",
        error=gg.GraphError,
        begin=but("loss = lambda output, target: nn.MSELoss()(output.detach(), target)", "loss = nn.MSELoss()"),
        cure={".detach()": ""},
    ),
    fitting(
        "an optimizer by name",
        "?",
        error=gg.ArgumentError,
        begin=but('optimizer = "sgd"', "optimizer = optim.SGD(model.parameters(), lr=0.1)"),
        cure={'"sgd"': "optim.SGD(model.parameters(), lr=0.1)"},
    ),
    fitting(
        "the optimizer of another model",
        "?",
        error=gg.ArgumentError,
        begin=but("optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)", "optim.SGD(model.parameters(), lr=0.1)"),
        cure={"nn.Linear(1, 1).parameters()": "model.parameters()"},
    ),
    fitting(
        "a parameter left out of the optimizer",
        warns=("?",),
        begin=but("optim.SGD([model.weight], lr=0.1)", "optim.SGD(model.parameters(), lr=0.1)"),
        cure={"[model.weight]": "model.parameters()"},
    ),
    fitting(
        "a model without parameters",
        "?",
        error=gg.ArgumentError,
        begin=but("model = nn.ReLU()\noptimizer = optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)", "model = nn.Linear(1, 1)\noptimizer = optim.SGD(model.parameters(), lr=0.1)"),
        cure={"nn.ReLU()": "nn.Linear(1, 1)", "nn.Linear(1, 1).parameters()": "model.parameters()"},
    ),
    fitting(
        "a learning rate that is too large",
        "?",
        error=gg.NotFiniteError,
        begin=but("lr=1e30", "lr=0.1"),
        cure={"lr=1e30": "lr=0.1"},
    ),
    fitting(
        "nan in the data",
        "?",
        error=gg.NotFiniteError,
        begin=but("y = 3 * x + 1\nx[20, 0] = np.nan", "y = 3 * x + 1"),
        cure={"np.nan": "0.0"},
    ),
    fitting(
        "no epochs",
        "?",
        error=gg.ArgumentError,
        call="gg.fit(model, loss, data, optimizer, epochs=0, progress=False)",
        cure={"epochs=0": "epochs=1"},
    ),
    fitting(
        "training under no_grad",
        "?",
        error=gg.GraphError,
        call="with gg.no_grad():\n    gg.fit(model, loss, data, optimizer, epochs=1, progress=False)",
        cure={"with gg.no_grad():\n    ": ""},
    ),
    fitting(
        "a schedule as a callback",
        "?",
        error=gg.ArgumentError,
        call="""scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1)
gg.fit(model, loss, data, optimizer, epochs=2, callbacks=[scheduler], progress=False)""",
        cure={"[scheduler]": "[gg.train.LearningRateSchedule(scheduler)]"},
    ),
    fitting(
        "a target in a row",
        "?",
        error=gg.ShapeError,
        begin=but("y = 3 * x[:, 0] + 1", "y = 3 * x + 1"),
        cure={"y = 3 * x[:, 0] + 1": "y = 3 * x + 1"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_fit(mistake: Mistake) -> None:
    mistake.check()
