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
        says="SGD takes parameters, not the model itself: pass model.parameters() (at train.py:2)",
        cure={"(model,": "(model.parameters(),"},
    ),
    Mistake(
        "parameters not called",
        """
        model = nn.Linear(2, 1)
        optimizer = optim.SGD(model.parameters, lr=0.1)
        """,
        error=gg.ArgumentError,
        says="SGD takes parameters, not a function: call it, model.parameters() (at train.py:2)",
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
        says=(
            "SGD got no parameters: pass model.parameters(), of a model that has some. A generator such as "
            "model.parameters() is empty once it has been used. (at train.py:4)"
        ),
        cure={"SGD(parameters": "SGD(model.parameters()"},
    ),
    Mistake(
        "plain tensors to learn",
        """
        w = gg.tensor([1.0, 2.0], requires_grad=True)
        optimizer = optim.SGD([w], lr=0.1)
        """,
        error=gg.ArgumentError,
        says=(
            "SGD changes nn.Parameter objects; number 0 is tensor([1., 2.], requires_grad=True) (Tensor). A "
            "module keeps its own in module.parameters(); nn.Parameter(x) makes one. (at train.py:2)"
        ),
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
        says=(
            "SGD got the parameter number 4, of shape (1, 2), twice: it would be changed twice in each step. "
            "List it once. (at train.py:3)"
        ),
        cure={", encoder.weight": ""},
    ),
    Mistake(
        "a negative learning rate",
        """
        optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=-0.1)
        """,
        error=gg.ArgumentError,
        says="SGD needs a number lr >= 0; got -0.1 (at train.py:1)",
        cure={"-0.1": "0.1"},
    ),
    Mistake(
        "a learning rate read from a file as text",
        """
        settings = {"lr": "0.1"}
        optimizer = optim.Adam(nn.Linear(2, 1).parameters(), lr=settings["lr"])
        """,
        error=gg.ArgumentError,
        says="Adam needs a number lr >= 0; got '0.1' (at train.py:2)",
        cure={'settings["lr"])': 'float(settings["lr"]))'},
    ),
    Mistake(
        "nesterov without momentum",
        """
        optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1, nesterov=True)
        """,
        error=gg.ArgumentError,
        says=(
            "SGD needs momentum > 0 and dampening = 0 for nesterov; got momentum=0.0, dampening=0.0 (at "
            "train.py:1)"
        ),
        cure={"nesterov": "momentum=0.9, nesterov"},
    ),
    Mistake(
        "one beta for Adam",
        """
        optimizer = optim.Adam(nn.Linear(2, 1).parameters(), betas=0.9)
        """,
        error=gg.ArgumentError,
        says="Adam needs two betas in [0, 1); got 0.9 (at train.py:1)",
        cure={"0.9": "(0.9, 0.999)"},
    ),
    Mistake(
        "a setting of a group misspelt",
        """
        layer = nn.Linear(2, 1)
        optimizer = optim.SGD([{"params": layer.parameters(), "learning_rate": 0.5}], lr=0.1)
        """,
        error=gg.ArgumentError,
        says=(
            "SGD has no setting 'learning_rate'; it has lr, momentum, dampening, weight_decay, nesterov (at "
            "train.py:2)"
        ),
        cure={"learning_rate": "lr"},
    ),
    Mistake(
        "a schedule of a learning rate",
        """
        optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1)
        scheduler = optim.lr_scheduler.StepLR(0.1, step_size=10)
        """,
        error=gg.ArgumentError,
        says="StepLR schedules an optimizer, such as optim.SGD(...); got float (at train.py:2)",
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
        says=(
            "SGD.step() found no gradient on any of its 2 parameters: call loss.backward() first, and "
            "zero_grad() before backward() or after step() (at train.py:4)"
        ),
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
        says=(
            "SGD.step() found no gradient on any of its 2 parameters: call loss.backward() first, and "
            "zero_grad() before backward() or after step() (at train.py:6)"
        ),
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
        warns=(
            (
                "train.py:6: SGD.step() used gradients that still hold those of the step() at train.py:6, "
                "because backward() adds to what is there. Before each step: optimizer.zero_grad(), then "
                "loss.backward()."
            ),
        ),
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
        says=(
            "the graph behind this result was freed by the backward() at train.py:6. Run the forward "
            "computation again, or pass retain_graph=True to that backward(). (at train.py:6)"
        ),
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
        warns=(
            (
                "train.py:5: the optimizer lacks 2 of the model's 4 parameters, which will stay as they are: "
                "1.weight, 1.bias. Make it from model.parameters(), after the model's last change; or, if this "
                "is meant, freeze them: parameter.requires_grad = False"
            ),
        ),
        cure={
            "optimizer = optim.SGD(model.parameters(), lr=0.1)\n": "",
            "nn.Linear(8, 1)\n": "nn.Linear(8, 1)\noptimizer = optim.SGD(model.parameters(), lr=0.1)\n",
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
        says=(
            "the saved optimizer had the settings betas, eps, lr, weight_decay; SGD has dampening, lr, "
            "momentum, nesterov, weight_decay. Make the same optimizer as then."
        ),
        cure={"optim.SGD(model.parameters(), lr=0.1)": "optim.Adam(model.parameters())"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_optimizers(mistake: Mistake) -> None:
    mistake.check()
