"""Mistakes with modules: how they are put together, what counts as a parameter, and in which mode they are."""

import pytest
from mistake import Mistake

import glassgrad as gg

MISTAKES = [
    Mistake(
        "a module without forward",
        """
        class Net(nn.Module):
            def __init__(self):
                self.layer = nn.Linear(4, 2)

            def foward(self, x):
                return self.layer(x)

        y = Net()(gg.ones((1, 4)))
        """,
        error=gg.GraphError,
        says=(
            "Net cannot be called: it has no method forward(self, x). Is foward() meant to be it? (at "
            "train.py:8)"
        ),
        cure={"foward": "forward"},
    ),
    Mistake(
        "a forward without return",
        """
        class Net(nn.Module):
            def __init__(self):
                self.layer = nn.Linear(4, 2)

            def forward(self, x):
                self.layer(x)

        model = nn.Sequential(Net(), nn.Linear(2, 1))
        y = model(gg.ones((1, 4)))
        """,
        error=gg.DTypeError,
        says=(
            "in Sequential.1 (Linear): a tensor holds numbers; got None. Is it the .grad of a tensor before "
            "backward(), or the result of a function without return? (at train.py:9)"
        ),
        cure={"    self.layer(x)": "    return self.layer(x)"},
    ),
    Mistake(
        "a class instead of a layer",
        """
        model = nn.Sequential(nn.Linear(4, 2), nn.ReLU)
        """,
        error=gg.ArgumentError,
        says="Sequential takes modules; '1' is the class ReLU: write ReLU(...) (at train.py:1)",
        cure={"nn.ReLU": "nn.ReLU()"},
    ),
    Mistake(
        "a function instead of a layer",
        """
        model = nn.Sequential(nn.Linear(4, 2), gg.tanh)
        """,
        error=gg.ArgumentError,
        says=(
            "Sequential takes modules such as nn.Linear(3, 2) or nn.ReLU(); '1' is the function tanh (at "
            "train.py:1)"
        ),
        cure={"gg.tanh": "nn.Tanh()"},
    ),
    Mistake(
        "a list of layers",
        """
        layers = [nn.Linear(4, 2), nn.ReLU()]
        model = nn.Sequential(layers)
        """,
        error=gg.ArgumentError,
        says="Sequential takes modules one by one: write Sequential(*layers) (at train.py:2)",
        cure={"(layers)": "(*layers)"},
    ),
    Mistake(
        "a layer made of the tensor that it is for",
        """
        x = gg.tensor([-1.0, 2.0])
        y = nn.ReLU(x)
        """,
        error=gg.ArgumentError,
        says="ReLU is made first, from its settings, and then called: nn.ReLU(...)(x) (at train.py:2)",
        cure={"nn.ReLU(x)": "nn.ReLU()(x)"},
        then="assert y.tolist() == [0.0, 2.0]",
    ),
    Mistake(
        "an activation asked to work in place",
        """
        activation = nn.ReLU(inplace=True)
        """,
        error=gg.ArgumentError,
        says="ReLU takes no settings; got inplace=True. Write nn.ReLU() (at train.py:1)",
        cure={"inplace=True": ""},
    ),
    Mistake(
        "a ModuleList called like a layer",
        """
        layers = nn.ModuleList([nn.Linear(4, 2), nn.ReLU()])
        y = layers(gg.ones((1, 4)))
        """,
        error=gg.GraphError,
        says=(
            "in ModuleList: a list of modules cannot be called: loop over it in the forward of your own "
            "module, or use nn.Sequential(*layers) (at train.py:2)"
        ),
        cure={"layers(gg": "nn.Sequential(*layers)(gg"},
    ),
    Mistake(
        "a size that was divided",
        """
        width = 128
        layer = nn.Linear(width / 2, 10)
        """,
        error=gg.ArgumentError,
        says=(
            "Linear needs a whole number as in_features; got 64.0. Write 64, or // instead of / if it is "
            "computed. (at train.py:2)"
        ),
        cure={"width / 2": "width // 2"},
    ),
    Mistake(
        "a layer without inputs",
        """
        layer = nn.Linear(0, 10)
        """,
        error=gg.ArgumentError,
        says="Linear needs in_features >= 1; got 0 (at train.py:1)",
        cure={"nn.Linear(0": "nn.Linear(1"},
    ),
    Mistake(
        "dropout in percent",
        """
        layer = nn.Dropout(50)
        """,
        error=gg.ArgumentError,
        says="Dropout needs a probability of dropping 0 <= p < 1; got 50 (at train.py:1)",
        cure={"50": "0.5"},
    ),
    Mistake(
        "a variable in a module that is no parameter",
        """
        class Scale(nn.Module):
            def __init__(self):
                self.layer = nn.Linear(1, 1)
                self.factor = gg.tensor(2.0, requires_grad=True)

            def forward(self, x):
                return self.factor * self.layer(x)

        optimizer = optim.SGD(Scale().parameters(), lr=0.1)
        """,
        warns=(
            (
                "train.py:9: the tensor 'factor' of a Scale requires a gradient but is no nn.Parameter, so "
                "parameters() leaves it out and it is not learnt: write nn.Parameter(...)"
            ),
        ),
        cure={"gg.tensor(2.0, requires_grad=True)": "nn.Parameter(2.0)"},
        then="assert len(optimizer.parameters()) == 3",
    ),
    Mistake(
        "a plain list of variables in a module",
        """
        class Polynomial(nn.Module):
            def __init__(self):
                self.coefficients = [gg.tensor(c, requires_grad=True) for c in (1.0, 2.0)]

        optimizer = optim.SGD(Polynomial().parameters(), lr=0.1)
        """,
        warns=(
            (
                "train.py:5: the tensor 'coefficients.0' of a Polynomial requires a gradient but is no "
                "nn.Parameter, so parameters() leaves it out and it is not learnt: write nn.Parameter(...)"
            ),
            (
                "train.py:5: the tensor 'coefficients.1' of a Polynomial requires a gradient but is no "
                "nn.Parameter, so parameters() leaves it out and it is not learnt: write nn.Parameter(...)"
            ),
        ),
        error=gg.ArgumentError,
        says=(
            "SGD got no parameters: pass model.parameters(), of a model that has some. A generator such as "
            "model.parameters() is empty once it has been used. (at train.py:5)"
        ),
        cure={"gg.tensor(c, requires_grad=True)": "nn.Parameter(c)"},
        then="assert len(optimizer.parameters()) == 2",
    ),
    Mistake(
        "a tensor in the place of a parameter",
        """
        layer = nn.Linear(2, 1)
        layer.weight = gg.zeros((1, 2))
        """,
        error=gg.ArgumentError,
        says=(
            "Linear.weight is a Parameter, and a Tensor in its place would be no part of the model. To "
            "change its value: weight.assign(x); to replace it: nn.Parameter(x). (at train.py:2)"
        ),
        cure={"weight = gg.zeros((1, 2))": "weight.assign(gg.zeros((1, 2)))"},
        then="assert layer.weight.requires_grad and layer.weight.tolist() == [[0.0, 0.0]]",
    ),
    Mistake(
        "one element of a parameter set",
        """
        layer = nn.Linear(2, 1)
        layer.bias[0] = 0.0
        """,
        error=gg.DTypeError,
        says="a Parameter changes as a whole: write p.assign(p.at[index].set(value)) (at train.py:2)",
        cure={"layer.bias[0] = 0.0": "layer.bias.assign(layer.bias.at[0].set(0.0))"},
        then="assert layer.bias.tolist() == [0.0]",
    ),
    Mistake(
        "a parameter assigned another shape",
        """
        layer = nn.Linear(3, 2)
        weight = gg.zeros((3, 2))
        layer.weight.assign(weight)
        """,
        error=gg.ShapeError,
        says="a Parameter keeps its shape, (2, 3); assign got a value of shape (3, 2) (at train.py:3)",
        cure={"assign(weight)": "assign(weight.T)"},
    ),
    Mistake(
        "dropout active while measuring",
        """
        model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
        with gg.no_grad():
            output = model(gg.ones((1, 4)))
        """,
        warns=(
            (
                "train.py:3: Dropout sets elements to 0 at random here, because the model is in training mode "
                "under gg.no_grad(). To measure or use a model, call model.eval() first, and model.train() to go "
                "on training."
            ),
        ),
        cure={"with gg": "model.eval()\nwith gg"},
    ),
    Mistake(
        "the lectures' update before backward",
        """
        layer, x = nn.Linear(2, 1), gg.ones((3, 2))
        layer.forward(x)
        layer.update_parameters(0.1)
        """,
        error=gg.GraphError,
        says=(
            "update_parameters found no gradient in Linear: call backward(x, grad_output) first (at "
            "train.py:3)"
        ),
        cure={"layer.update": "layer.backward(x, gg.ones((3, 1)))\nlayer.update"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_modules(mistake: Mistake) -> None:
    mistake.check()
