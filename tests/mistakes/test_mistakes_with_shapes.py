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
        says=(
            "in Sequential.0.out (Linear): Linear expects 9 input features on the last axis; got input of "
            "shape (32, 8) (at train.py:7)"
        ),
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
        says=(
            "in Sequential.1 (Product): matmul needs x1.shape[-1] == x2.shape[-2]; got x1 float32[5, 4] and "
            "x2 float32[3, 4], so 4 != 3. If x2 holds weights as (out, in), pass gg.matrix_transpose(x2). "
            "(at train.py:6)"
        ),
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
        says=(
            "in Sequential.0 (Linear): Linear expects 64 input features on the last axis; got input of shape "
            "(32, 8, 8). Put nn.Flatten() in front (at train.py:3)"
        ),
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
        says=(
            "in Sequential.1 (Linear): Linear expects 64 input features on the last axis; got input of shape "
            "(8, 8). A single sample needs a batch axis in front: gg.expand_dims(x, 0) (at train.py:3)"
        ),
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
        says=(
            "in Sequential.0 (Flatten): Flatten(start_dim=1) keeps the axes before 1 and merges the others; "
            "got input of shape (4,). A single sample needs a batch axis: gg.expand_dims(x, 0). (at "
            "train.py:3)"
        ),
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
        says=(
            "in Linear: Linear expects 4 input features on the last axis; got input of shape (4, 100). Rows "
            "are samples: pass x.T if here the columns are (at train.py:2)"
        ),
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
        says=(
            "matmul needs x1.shape[-1] == x2.shape[-2]; got x1 float32[2, 4] and x2 float32[3, 4], so 4 != "
            "3. If x2 holds weights as (out, in), pass gg.matrix_transpose(x2). (at train.py:3)"
        ),
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
        says=(
            "matmul needs at least 1 axis on both sides; got shapes () and (2, 3). Use * for numbers. (at "
            "train.py:2)"
        ),
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
        says=(
            "multiply cannot broadcast x1 float32[2, 3] and x2 float32[2]: counted from the right, axis -1 "
            "has sizes 3 and 2. Sizes must be equal or 1; gg.reshape or gg.expand_dims can add an axis of "
            "size 1. (at train.py:3)"
        ),
        cure={"x * factor": "x * gg.expand_dims(factor, 1)"},
        then="assert y.tolist() == [[1, 1, 1], [10, 10, 10]]",
    ),
    Mistake(
        "a batch size written into reshape",
        """
        last_batch = gg.ones((17, 3, 5))
        rows = last_batch.reshape(32, -1)
        """,
        error=gg.ShapeError,
        says=(
            "reshape cannot turn shape (17, 3, 5) (255 elements) into (32, -1): 255 is not a multiple of 32. "
            "To keep the rows of a batch, write x.reshape(len(x), -1). (at train.py:2)"
        ),
        cure={"reshape(32, -1)": "reshape(len(last_batch), -1)"},
        then="assert rows.shape == (17, 15)",
    ),
    Mistake(
        "reshape to another number of elements",
        """
        image = gg.arange(60).reshape(8, 8)
        """,
        error=gg.ShapeError,
        says=(
            "reshape cannot turn shape (60,) (60 elements) into (8, 8) (64 elements). Write -1 for one of "
            "the sizes to have it computed. (at train.py:1)"
        ),
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
        says=(
            "concat along axis 0 needs equal sizes on the other axes; input 0 has shape (2, 3), input 1 has "
            "shape (2, 4). They fit along axis 1: pass axis=1. (at train.py:2)"
        ),
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
        says=(
            "concat along axis 0 needs equal sizes on the other axes; input 0 has shape (2, 3), input 1 has "
            "shape (3,). gg.expand_dims(x, axis) adds an axis of size 1. (at train.py:2)"
        ),
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
        says=(
            "stack needs tensors of one shape; got (2,), (3,). gg.concat joins along an axis that they have. "
            "(at train.py:2)"
        ),
        cure={"gg.stack": "gg.concat"},
        then="assert both.shape == (5,)",
    ),
    Mistake(
        "rows of different lengths",
        """
        table = gg.tensor([[1.0, 2.0], [3.0]])
        """,
        error=gg.ShapeError,
        says=(
            "a tensor needs rows of equal length; got [[1.0, 2.0], [3.0]]. Pad the shorter rows, or keep one "
            "tensor for each. (at train.py:1)"
        ),
        cure={"[3.0]": "[3.0, 0.0]"},
    ),
    Mistake(
        "a whole batch for the model",
        """
        loader = gg.data.DataLoader((np.ones((6, 4), np.float32), np.ones(6)), batch_size=3)
        model = nn.Linear(4, 1)
        for batch in loader:
            output = model(batch)
        """,
        error=gg.ShapeError,
        says=(
            "in Linear: a tensor needs parts of one shape; got a tuple of shapes (3, 4) and (3,). A batch is "
            "taken apart first: inputs, targets = batch (at train.py:4)"
        ),
        cure={"for batch in": "for inputs, targets in", "model(batch)": "model(inputs)"},
    ),
    Mistake(
        "an axis that is not there",
        """
        scores = gg.ones((5, 3))
        highest = gg.argmax(scores, axis=2)
        """,
        error=gg.ShapeError,
        says="argmax got axis 2 for a tensor with 2 axes; allowed: -2 to 1 (at train.py:2)",
        cure={"axis=2": "axis=1"},
    ),
    Mistake(
        "an index past the end",
        """
        scores = gg.ones((5, 3))
        last = scores[:, 3]
        """,
        error=gg.ShapeError,
        says="index 3 is out of range on axis 1 of a tensor of shape (5, 3); allowed: -3 to 2 (at train.py:2)",
        cure={"3]": "-1]"},
    ),
    Mistake(
        "more indices than axes",
        """
        scores = gg.ones((5, 3))
        first = scores[0, 0, 0]
        """,
        error=gg.ShapeError,
        says="index has 3 positions, but the tensor has 2 axes (shape (5, 3)) (at train.py:2)",
        cure={"[0, 0, 0]": "[0, 0]"},
    ),
    Mistake(
        "a mask of another length",
        """
        scores = gg.tensor([1.0, -2.0, 3.0])
        positive = scores[gg.tensor([True, False])]
        """,
        error=gg.ShapeError,
        says=(
            "a boolean index must have the shape of the axes it selects from; got a mask of shape (2,) at "
            "axis 0 of a tensor of shape (3,) (at train.py:2)"
        ),
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
        says="x.at[...] selects shape (3,) of x (2, 3); values of shape (2,) do not fit there (at train.py:2)",
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
        says="mean of no elements is undefined: got shape (0,), reduced over axes (0,) (at train.py:2)",
        cure={"losses > 1.0": "losses > 0.3"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_shapes(mistake: Mistake) -> None:
    mistake.check()
