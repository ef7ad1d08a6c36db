"""Mistakes with optimizers and in training loops of one's own: what is learnt, from which gradients, how fast."""

import pytest
from mistake import Mistake

import glassgrad as gg

MISTAKES = [
    Mistake(
        "the model instead of its parameters",
        """
        model = nn.Linear(2, 1)
        optimizer = optim.SGD(model, lr=0.1)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"(model,": "(model.parameters(),"},
    ),
    Mistake(
        "parameters not called",
        """
        model = nn.Linear(2, 1)
        optimizer = optim.SGD(model.parameters, lr=0.1)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"parameters,": "parameters(),"},
    ),
    Mistake(
        "a generator of parameters used before",
        """
        model = nn.Linear(2, 1)
        parameters = model.parameters()
        print(sum(p.size for p in parameters), "numbers to learn")
        optimizer = optim.SGD(parameters, lr=0.1)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"SGD(parameters": "SGD(model.parameters()"},
    ),
    Mistake(
        "plain tensors to learn",
        """
        w = gg.tensor([1.0, 2.0], requires_grad=True)
        optimizer = optim.SGD([w], lr=0.1)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"gg.tensor([1.0, 2.0], requires_grad=True)": "nn.Parameter([1.0, 2.0])"},
    ),
    Mistake(
        "a parameter listed twice",
        """
        encoder, decoder = nn.Linear(2, 1), nn.Linear(1, 2)
        both = [*encoder.parameters(), *decoder.parameters(), encoder.weight]
        optimizer = optim.SGD(both, lr=0.1)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={", encoder.weight": ""},
    ),
    Mistake(
        "a negative learning rate",
        """
        optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=-0.1)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"-0.1": "0.1"},
    ),
    Mistake(
        "a learning rate read from a file as text",
        """
        settings = {"lr": "0.1"}
        optimizer = optim.Adam(nn.Linear(2, 1).parameters(), lr=settings["lr"])
        """,
        error=gg.ArgumentError,
        says="?",
        cure={'settings["lr"])': 'float(settings["lr"]))'},
    ),
    Mistake(
        "nesterov without momentum",
        """
        optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1, nesterov=True)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"nesterov": "momentum=0.9, nesterov"},
    ),
    Mistake(
        "one beta for Adam",
        """
        optimizer = optim.Adam(nn.Linear(2, 1).parameters(), betas=0.9)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"0.9": "(0.9, 0.999)"},
    ),
    Mistake(
        "a setting of a group misspelt",
        """
        layer = nn.Linear(2, 1)
        optimizer = optim.SGD([{"params": layer.parameters(), "learning_rate": 0.5}], lr=0.1)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"learning_rate": "lr"},
    ),
    Mistake(
        "a schedule of a learning rate",
        """
        optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1)
        scheduler = optim.lr_scheduler.StepLR(0.1, step_size=10)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"StepLR(0.1": "StepLR(optimizer"},
    ),
    Mistake(
        "a step without backward",
        """
        model = nn.Linear(2, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        loss = model(gg.ones((3, 2))).mean()
        optimizer.step()
        """,
        error=gg.GraphError,
        says="?",
        cure={"optimizer.step": "loss.backward()\noptimizer.step"},
    ),
    Mistake(
        "zero_grad between backward and step",
        """
        model = nn.Linear(2, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        loss = model(gg.ones((3, 2))).mean()
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        """,
        error=gg.GraphError,
        says="?",
        cure={"loss.backward()\noptimizer.zero_grad()": "optimizer.zero_grad()\nloss.backward()"},
    ),
    Mistake(
        "zero_grad forgotten",
        """
        model = nn.Linear(2, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for step in range(2):
            loss = model(gg.ones((3, 2))).mean()
            loss.backward()
            optimizer.step()
        """,
        warns=("?",),
        cure={"    loss.backward()": "    optimizer.zero_grad()\n    loss.backward()"},
    ),
    Mistake(
        "one graph for all steps",
        """
        model = nn.Linear(2, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        loss = model(gg.ones((3, 2))).mean()
        for step in range(2):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        """,
        error=gg.GraphError,
        says="?",
        cure={
            "loss = model(gg.ones((3, 2))).mean()\n": "",
            "    loss.backward()": "    loss = model(gg.ones((3, 2))).mean()\n    loss.backward()",
        },
    ),
    Mistake(
        "the optimizer made before a layer was replaced",
        """
        model = nn.Sequential(nn.Linear(2, 8), nn.Linear(8, 3))
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        model[1] = nn.Linear(8, 1)
        data = gg.data.DataLoader((np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)), batch_size=2)
        gg.fit(model, nn.MSELoss(), data, optimizer, epochs=1, progress=False)
        """,
        warns=("?",),
        cure={
            "optimizer = optim.SGD(model.parameters(), lr=0.1)\nmodel[1] = nn.Linear(8, 1)":
            "model[1] = nn.Linear(8, 1)\noptimizer = optim.SGD(model.parameters(), lr=0.1)",
        },
    ),
    Mistake(
        "the state of another optimizer",
        """
        model = nn.Linear(2, 1)
        saved = optim.Adam(model.parameters()).state_dict()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        optimizer.load_state_dict(saved)
        """,
        error=gg.CheckpointError,
        says="?",
        cure={"optim.SGD(model.parameters(), lr=0.1)": "optim.Adam(model.parameters())"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_optimizers(mistake: Mistake) -> None:
    mistake.check()
