"""Mistakes with shapes: which layer, which shapes, which line, and what would fit."""

import pytest
from mistake import Mistake

import glassgrad as gg

MISTAKES = [
    Mistake(
        "wrong features deep in a model",
        """
        class Encoder(nn.Module):
            def __init__(self):
                self.hidden = nn.Linear(4, 8)
                self.out = nn.Linear(9, 2)

            def forward(self, x):
                return self.out(gg.tanh(self.hidden(x)))

        model = nn.Sequential(Encoder(), nn.ReLU())
        model(gg.ones((32, 4)))
        """,
        error=gg.ShapeError,
        says="?",
        cure={"nn.Linear(9, 2)": "nn.Linear(8, 2)"},
    ),
    Mistake(
        "wrong shape in an operation of your own layer",
        """
        class Product(nn.Module):
            def __init__(self):
                self.weight = nn.Parameter(gg.ones((3, 4)))

            def forward(self, x):
                return x @ self.weight

        model = nn.Sequential(nn.Linear(2, 4), Product())
        model(gg.ones((5, 2)))
        """,
        error=gg.ShapeError,
        says="?",
        cure={"x @ self.weight": "x @ gg.matrix_transpose(self.weight)"},
    ),
    Mistake(
        "images without Flatten",
        """
        images = gg.ones((32, 8, 8))
        model = nn.Sequential(nn.Linear(64, 10))
        model(images)
        """,
        error=gg.ShapeError,
        says="?",
        cure={"nn.Sequential(": "nn.Sequential(nn.Flatten(), "},
    ),
    Mistake(
        "one image without a batch axis",
        """
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        image = gg.ones((8, 8))
        scores = model(image)
        """,
        error=gg.ShapeError,
        says="?",
        cure={"model(image)": "model(gg.expand_dims(image, 0))"},
        then="assert scores.shape == (1, 10)",
    ),
    Mistake(
        "one row without a batch axis",
        """
        model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        row = gg.ones(4)
        scores = model(row)
        """,
        error=gg.ShapeError,
        says="?",
        cure={"model(row)": "model(gg.expand_dims(row, 0))"},
        then="assert scores.shape == (1, 2)",
    ),
    Mistake(
        "samples in columns",
        """
        measurements = gg.ones((4, 100))
        nn.Linear(4, 2)(measurements)
        """,
        error=gg.ShapeError,
        says="?",
        cure={"(measurements)": "(measurements.T)"},
    ),
    Mistake(
        "weights the other way round",
        """
        x = gg.ones((2, 4))
        weight = gg.ones((3, 4))
        y = x @ weight
        """,
        error=gg.ShapeError,
        says="?",
        cure={"x @ weight": "x @ gg.matrix_transpose(weight)"},
        then="assert y.shape == (2, 3)",
    ),
    Mistake(
        "matrix product with a number",
        """
        x = gg.ones((2, 3))
        y = 0.5 @ x
        """,
        error=gg.ShapeError,
        says="?",
        cure={"0.5 @ x": "0.5 * x"},
    ),
    Mistake(
        "a factor for each row that lies along the columns",
        """
        x = gg.ones((2, 3))
        factor = gg.tensor([1.0, 10.0])
        y = x * factor
        """,
        error=gg.ShapeError,
        says="?",
        cure={"x * factor": "x * gg.expand_dims(factor, 1)"},
        then="assert y.tolist() == [[1, 1, 1], [10, 10, 10]]",
    ),
    Mistake(
        "a batch size written into reshape",
        """
        last_batch = gg.ones((17, 8, 8))
        rows = last_batch.reshape(32, -1)
        """,
        error=gg.ShapeError,
        says="?",
        cure={"reshape(32, -1)": "reshape(len(last_batch), -1)"},
        then="assert rows.shape == (17, 64)",
    ),
    Mistake(
        "reshape to another number of elements",
        """
        image = gg.arange(60).reshape(8, 8)
        """,
        error=gg.ShapeError,
        says="?",
        cure={"reshape(8, 8)": "reshape(-1, 10)"},
        then="assert image.shape == (6, 10)",
    ),
    Mistake(
        "concat along the wrong axis",
        """
        left, right = gg.ones((2, 3)), gg.ones((2, 4))
        both = gg.concat([left, right])
        """,
        error=gg.ShapeError,
        says="?",
        cure={"[left, right]": "[left, right], axis=1"},
        then="assert both.shape == (2, 7)",
    ),
    Mistake(
        "a row appended to a matrix",
        """
        matrix, row = gg.ones((2, 3)), gg.ones(3)
        matrix = gg.concat([matrix, row])
        """,
        error=gg.ShapeError,
        says="?",
        cure={"[matrix, row]": "[matrix, gg.expand_dims(row, 0)]"},
        then="assert matrix.shape == (3, 3)",
    ),
    Mistake(
        "stack of different lengths",
        """
        first, second = gg.ones(2), gg.ones(3)
        both = gg.stack([first, second])
        """,
        error=gg.ShapeError,
        says="?",
        cure={"gg.stack": "gg.concat"},
        then="assert both.shape == (5,)",
    ),
    Mistake(
        "rows of different lengths",
        """
        table = gg.tensor([[1.0, 2.0], [3.0]])
        """,
        error=gg.ShapeError,
        says="?",
        cure={"[3.0]": "[3.0, 0.0]"},
    ),
    Mistake(
        "an axis that is not there",
        """
        scores = gg.ones((5, 3))
        highest = gg.argmax(scores, axis=2)
        """,
        error=gg.ShapeError,
        says="?",
        cure={"axis=2": "axis=1"},
    ),
    Mistake(
        "an index past the end",
        """
        scores = gg.ones((5, 3))
        last = scores[:, 3]
        """,
        error=gg.ShapeError,
        says="?",
        cure={"3]": "-1]"},
    ),
    Mistake(
        "more indices than axes",
        """
        scores = gg.ones((5, 3))
        first = scores[0, 0, 0]
        """,
        error=gg.ShapeError,
        says="?",
        cure={"[0, 0, 0]": "[0, 0]"},
    ),
    Mistake(
        "a mask of another length",
        """
        scores = gg.tensor([1.0, -2.0, 3.0])
        positive = scores[gg.tensor([True, False])]
        """,
        error=gg.ShapeError,
        says="?",
        cure={"gg.tensor([True, False])": "scores > 0"},
        then="assert positive.tolist() == [1.0, 3.0]",
    ),
    Mistake(
        "a row set to values that do not fit",
        """
        x = gg.zeros((2, 3))
        x = x.at[0].set([1.0, 2.0])
        """,
        error=gg.ShapeError,
        says="?",
        cure={"at[0]": "at[0, :2]"},
        then="assert x.tolist() == [[1, 2, 0], [0, 0, 0]]",
    ),
    Mistake(
        "the mean of nothing",
        """
        losses = gg.tensor([0.5, 0.25])
        mean = losses[losses > 1.0].mean()
        """,
        error=gg.ShapeError,
        says="?",
        cure={"losses > 1.0": "losses > 0.3"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_shapes(mistake: Mistake) -> None:
    mistake.check()
