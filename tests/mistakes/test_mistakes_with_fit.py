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
        (
            "fit: data is a tuple; expected a DataLoader, which says how large the batches are: "
            "gg.data.DataLoader((inputs, targets), batch_size=32, shuffle=True)."
        ),
        error=gg.ArgumentError,
        call="gg.fit(model, loss, (x, y), optimizer, epochs=2, progress=False)",
        cure={"(x, y), optimizer": "gg.data.DataLoader((x, y), batch_size=32), optimizer"},
    ),
    fitting(
        "inputs without targets",
        (
            "a batch must be (inputs, targets), so 2 tensors; this data gives 1. Make the DataLoader of a "
            "pair: gg.data.DataLoader((inputs, targets), batch_size=32)."
        ),
        error=gg.DataError,
        begin=but("DataLoader(x, batch", "DataLoader((x, y), batch"),
        cure={"DataLoader(x, batch": "DataLoader((x, y), batch"},
    ),
    fitting(
        "the class of a loss",
        "fit: loss is the class MSELoss; expected an object of it: MSELoss().",
        error=gg.ArgumentError,
        begin=but("nn.MSELoss\n", "nn.MSELoss()\n"),
        cure={"nn.MSELoss\n": "nn.MSELoss()\n"},
    ),
    fitting(
        "a loss by name",
        (
            "fit: loss is a str; expected a function (output, target) -> one number, such as "
            "gg.nn.CrossEntropyLoss()."
        ),
        error=gg.ArgumentError,
        begin=but('loss = "mse"', "loss = nn.MSELoss()"),
        cure={'"mse"': "nn.MSELoss()"},
    ),
    fitting(
        "a loss that is not one number",
        (
            "the loss must be one number; the loss function returned shape (16, 1). Use reduction='mean', or "
            "return loss.mean()."
        ),
        error=gg.ShapeError,
        begin=but('nn.MSELoss(reduction="none")', "nn.MSELoss()"),
        cure={'"none"': '"mean"'},
    ),
    fitting(
        "a loss with detach in it",
        (
            "backward() has nothing to go back through: a tensor this result depends on was detached by "
            ".detach() at train.py:6. Remove that, or keep it out of the path from the parameters to the "
            "loss. (at train.py:7)"
        ),
        error=gg.GraphError,
        begin=but(
            "loss = lambda output, target: nn.MSELoss()(output.detach(), target)", "loss = nn.MSELoss()"
        ),
        cure={".detach()": ""},
    ),
    fitting(
        "an optimizer by name",
        "fit: optimizer is a str; expected one of gg.optim, such as gg.optim.Adam(model.parameters()).",
        error=gg.ArgumentError,
        begin=but('optimizer = "sgd"', "optimizer = optim.SGD(model.parameters(), lr=0.1)"),
        cure={'"sgd"': "optim.SGD(model.parameters(), lr=0.1)"},
    ),
    fitting(
        "the optimizer of another model",
        (
            "fit: the optimizer has none of the model's parameters, so nothing would be learnt. Make it from "
            "this model, after its last change: gg.optim.Adam(model.parameters())."
        ),
        error=gg.ArgumentError,
        begin=but("optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)", "optim.SGD(model.parameters(), lr=0.1)"),
        cure={"nn.Linear(1, 1).parameters()": "model.parameters()"},
    ),
    fitting(
        "a parameter left out of the optimizer",
        warns=(
            (
                "train.py:7: the optimizer lacks 1 of the model's 2 parameters, which will stay as they are: "
                "bias. Make it from model.parameters(), after the model's last change; or, if this is meant, "
                "freeze them: parameter.requires_grad = False"
            ),
        ),
        begin=but("optim.SGD([model.weight], lr=0.1)", "optim.SGD(model.parameters(), lr=0.1)"),
        cure={"[model.weight]": "model.parameters()"},
    ),
    fitting(
        "a model without parameters",
        "fit: the model has no parameter to train: it has none at all, or all are frozen.",
        error=gg.ArgumentError,
        begin=but(
            "model = nn.ReLU()\noptimizer = optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)",
            "model = nn.Linear(1, 1)\noptimizer = optim.SGD(model.parameters(), lr=0.1)",
        ),
        cure={"nn.ReLU()": "nn.Linear(1, 1)", "nn.Linear(1, 1).parameters()": "model.parameters()"},
    ),
    fitting(
        "a learning rate that is too large",
        (
            "the loss is inf in epoch 4, step 16 (learning rate 10). Inputs and parameters are finite, but "
            "the model's output has grown to 7.85e+18: the training diverges. Train with a smaller learning "
            "rate, such as 1."
        ),
        error=gg.NotFiniteError,
        begin=but("lr=10.0", "lr=0.1"),
        call="gg.fit(model, loss, data, optimizer, epochs=20, progress=False)",
        cure={"lr=10.0": "lr=0.1"},
    ),
    fitting(
        "nan in the data",
        (
            "the loss is nan in epoch 1, step 2 (learning rate 0.1). The inputs of this batch have nan at "
            "[4, 0] (and 1 of 16 values not finite). Clean the data: remove or fill in such values."
        ),
        error=gg.NotFiniteError,
        begin=but("y = 3 * x + 1\nx[20, 0] = np.nan", "y = 3 * x + 1"),
        cure={"np.nan": "0.0"},
    ),
    fitting(
        "no epochs",
        "fit: epochs is 0; expected a whole number, 1 or more.",
        error=gg.ArgumentError,
        call="gg.fit(model, loss, data, optimizer, epochs=0, progress=False)",
        cure={"epochs=0": "epochs=1"},
    ),
    fitting(
        "training under no_grad",
        "fit was called inside `with gg.no_grad():`, where no gradients exist. Call it outside.",
        error=gg.GraphError,
        call="with gg.no_grad():\n    gg.fit(model, loss, data, optimizer, epochs=1, progress=False)",
        cure={"with gg.no_grad():\n    ": ""},
    ),
    fitting(
        "a schedule as a callback",
        (
            "fit: callbacks holds a StepLR; expected gg.train.Callback objects. Wrap the scheduler: "
            "gg.train.LearningRateSchedule(StepLR(...))."
        ),
        error=gg.ArgumentError,
        call="""scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1)
gg.fit(model, loss, data, optimizer, epochs=2, callbacks=[scheduler], progress=False)""",
        cure={"[scheduler]": "[gg.train.LearningRateSchedule(scheduler)]"},
    ),
    fitting(
        "a target in a row",
        (
            "MSELoss needs output and target of the same shape; got output (16, 1) and target (16,), which "
            "are not compared element by element. Reshape one of them, for example target.reshape((16, 1)). "
            "(at train.py:7)"
        ),
        error=gg.ShapeError,
        begin=but("y = 3 * x[:, 0] + 1", "y = 3 * x + 1"),
        cure={"y = 3 * x[:, 0] + 1": "y = 3 * x + 1"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_fit(mistake: Mistake) -> None:
    mistake.check()
