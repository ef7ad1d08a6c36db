"""Mistakes with kinds of data: integers, texts, truth values and None where numbers are meant, and the reverse."""

import pytest
from mistake import Mistake

import glassgrad as gg

MISTAKES = [
    Mistake(
        "a variable of integers",
        """
        w = gg.tensor([1, 2], requires_grad=True)
        """,
        error=gg.DTypeError,
        says=(
            "only floating-point tensors can require a gradient; got dtype int64. Write 1.0 instead of 1, or "
            "pass dtype=gg.float32. (at train.py:1)"
        ),
        cure={"[1, 2]": "[1.0, 2.0]"},
    ),
    Mistake(
        "a parameter of integers",
        """
        class Scale(nn.Module):
            def __init__(self):
                self.factor = nn.Parameter(np.array([1, 2]))

        model = Scale()
        """,
        error=gg.DTypeError,
        says=(
            "only floating-point tensors can require a gradient; got dtype int64. Write 1.0 instead of 1, or "
            "pass dtype=gg.float32. (at train.py:3)"
        ),
        cure={"np.array([1, 2])": "np.array([1, 2], dtype=np.float32)"},
    ),
    Mistake(
        "the exponential of integers",
        """
        counts = gg.tensor([1, 2, 3])
        y = gg.exp(counts)
        """,
        error=gg.DTypeError,
        says=(
            "exp needs a float or complex input; got int64 of shape (3,). gg.astype(x, gg.float32) converts. "
            "(at train.py:2)"
        ),
        cure={"gg.exp(counts)": "gg.exp(gg.astype(counts, gg.float32))"},
    ),
    Mistake(
        "texts as data",
        """
        names = ["cat", "dog"]
        labels = gg.tensor(["dog", "cat", "dog"])
        """,
        error=gg.DTypeError,
        says=(
            "a tensor holds numbers; got ['dog', 'cat', 'dog'] (NumPy dtype <U3). Turn categories into "
            "integers first: np.unique(x, return_inverse=True)[1]. (at train.py:2)"
        ),
        cure={
            'gg.tensor(["dog", "cat", "dog"])': 'gg.tensor([names.index(x) for x in ("dog", "cat", "dog")])'
        },
        then="assert labels.tolist() == [1, 0, 1]",
    ),
    Mistake(
        "None for a missing number",
        """
        ages = gg.tensor([31.0, None, 58.0])
        """,
        error=gg.DTypeError,
        says=(
            "a tensor holds numbers; got None in [31.0, None, 58.0]. Write float('nan') for a missing "
            "number. (at train.py:1)"
        ),
        cure={"None": "float('nan')"},
    ),
    Mistake(
        "a dtype that there is not",
        """
        x = gg.tensor([1.0], dtype="float23")
        """,
        error=gg.DTypeError,
        says="expected a dtype such as gg.float32 or 'int64'; got 'float23' (at train.py:1)",
        cure={"float23": "float32"},
    ),
    Mistake(
        "a float as index",
        """
        scores = gg.tensor([1.0, 2.0, 3.0])
        middle = scores[len(scores) / 2]
        """,
        error=gg.DTypeError,
        says=(
            "an index must be an integer, a slice, None, ... or a tensor of integers or booleans; got 1.5. "
            "// divides to a whole number (at train.py:2)"
        ),
        cure={"len(scores) / 2": "len(scores) // 2"},
        then="assert middle.item() == 2.0",
    ),
    Mistake(
        "a tensor of floats as index",
        """
        scores = gg.tensor([1.0, 2.0, 3.0])
        chosen = scores[gg.tensor([0.0, 2.0])]
        """,
        error=gg.DTypeError,
        says=(
            "an index must be an integer, a slice, None, ... or a tensor of integers or booleans; got "
            "float32. gg.astype(index, gg.int64) converts (at train.py:2)"
        ),
        cure={"[0.0, 2.0]": "[0, 2]"},
    ),
    Mistake(
        "a column name as index",
        """
        table = gg.ones((5, 3))
        ages = table[:, "age"]
        """,
        error=gg.DTypeError,
        says=(
            "an index must be an integer, a slice, None, ... or a tensor of integers or booleans; got 'age' "
            "(at train.py:2)"
        ),
        cure={'"age"': "0"},
    ),
    Mistake(
        "range over a float tensor",
        """
        steps = gg.tensor(3.0)
        for step in range(steps):
            pass
        """,
        error=gg.DTypeError,
        says=(
            "a count or an index must be an integer; got a tensor of dtype float32. int(x) makes one. (at "
            "train.py:2)"
        ),
        cure={"range(steps)": "range(int(steps))"},
        then="assert step == 2",
    ),
    Mistake(
        "a choice by numbers instead of truth values",
        """
        x = gg.tensor([1.0, 0.0, 2.0])
        y = gg.where(x, x, -1.0)
        """,
        error=gg.DTypeError,
        says=(
            "where needs a boolean condition; got float32 of shape (3,). Compare first, for example x > 0. "
            "(at train.py:2)"
        ),
        cure={"where(x,": "where(x > 0,"},
        then="assert y.tolist() == [1.0, -1.0, 2.0]",
    ),
    Mistake(
        "and of numbers",
        """
        x = gg.tensor([1.0, 0.0])
        both = x & (x < 3)
        """,
        error=gg.DTypeError,
        says=(
            "bitwise_and needs a bool or int input; got x1 float32 of shape (2,). For logic compare first, for "
            "example x > 0; for bits gg.astype(x, gg.int64) converts. (at train.py:2)"
        ),
        cure={"x & ": "(x > 0) & "},
    ),
    Mistake(
        "assigning float64 to a float32 parameter",
        """
        layer = nn.Linear(2, 1)
        layer.weight.assign(np.zeros((1, 2)))
        """,
        error=gg.DTypeError,
        says=(
            "a Parameter keeps its dtype, float32; assign got float64. gg.astype(value, gg.float32) "
            "converts. (at train.py:2)"
        ),
        cure={"np.zeros((1, 2))": "gg.astype(np.zeros((1, 2)), gg.float32)"},
    ),
    Mistake(
        "dropout of integers",
        """
        pixels = gg.tensor([[0, 255]])
        nn.Dropout(0.5)(pixels)
        """,
        error=gg.DTypeError,
        says=(
            "in Dropout: Dropout needs a float input; got int64 of shape (1, 2). gg.astype(x, gg.float32) "
            "converts. (at train.py:2)"
        ),
        cure={"(pixels)": "(gg.astype(pixels, gg.float32))"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_dtypes(mistake: Mistake) -> None:
    mistake.check()
