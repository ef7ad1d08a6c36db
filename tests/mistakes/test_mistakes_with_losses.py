"""Mistakes with losses: shapes and kinds of targets, and what each loss wants of the output."""

import pytest
from mistake import Mistake

import glassgrad as gg

MISTAKES = [
    Mistake(
        "a column compared with a row",
        """
        output = nn.Linear(2, 1)(gg.ones((4, 2)))
        target = gg.tensor([1.0, 2.0, 3.0, 4.0])
        loss = nn.MSELoss()(output, target)
        """,
        error=gg.ShapeError,
        says=(
            "MSELoss needs output and target of the same shape; got output (4, 1) and target (4,), which are "
            "not compared element by element. Reshape one of them, for example target.reshape((4, 1)). (at "
            "train.py:3)"
        ),
        cure={"(output, target)": "(output, target.reshape((4, 1)))"},
    ),
    Mistake(
        "labels compared with scores",
        """
        scores = gg.ones((4, 3))
        labels = gg.tensor([0, 1, 2, 0])
        loss = nn.MSELoss()(scores, labels)
        """,
        error=gg.ShapeError,
        says=(
            "MSELoss needs output and target of the same shape; got output (4, 3) and target (4,), which are "
            "not compared element by element. For class labels use CrossEntropyLoss. (at train.py:3)"
        ),
        cure={"nn.MSELoss()": "nn.CrossEntropyLoss()"},
    ),
    Mistake(
        "the labels of another batch",
        """
        scores = gg.zeros((3, 2))
        labels = gg.tensor([0, 1, 1, 0])
        loss = nn.CrossEntropyLoss()(scores, labels)
        """,
        error=gg.ShapeError,
        says=(
            "CrossEntropyLoss needs one label per sample: for output (3, 2) a target of shape (3,); got "
            "(4,). (at train.py:3)"
        ),
        cure={"(scores, labels)": "(scores, labels[:3])"},
    ),
    Mistake(
        "labels as floats",
        """
        scores = gg.zeros((3, 2))
        labels = gg.tensor([0.0, 1.0, 1.0])
        loss = nn.CrossEntropyLoss()(scores, labels)
        """,
        error=gg.DTypeError,
        says=(
            "CrossEntropyLoss needs class labels as integers; got float32 of shape (3,). If these are "
            "labels, use gg.astype(target, gg.int64). (at train.py:3)"
        ),
        cure={"(scores, labels)": "(scores, gg.astype(labels, gg.int64))"},
    ),
    Mistake(
        "labels that count from 1",
        """
        scores = gg.zeros((3, 3))
        labels = gg.tensor([1, 2, 3])
        loss = nn.CrossEntropyLoss()(scores, labels)
        """,
        error=gg.ArgumentError,
        says=(
            "CrossEntropyLoss got the label 3 at position 2, but the output has 3 classes: labels are 0 to "
            "2. These labels count from 1: subtract 1. (at train.py:3)"
        ),
        cure={"(scores, labels)": "(scores, labels - 1)"},
    ),
    Mistake(
        "more classes in the data than in the model",
        """
        scores = nn.Linear(4, 2)(gg.ones((3, 4)))
        labels = gg.tensor([0, 1, 4])
        loss = nn.CrossEntropyLoss()(scores, labels)
        """,
        error=gg.ArgumentError,
        says=(
            "CrossEntropyLoss got the label 4 at position 2, but the output has 2 classes: labels are 0 to "
            "1. For these labels the model needs 5 outputs. (at train.py:3)"
        ),
        cure={"nn.Linear(4, 2)": "nn.Linear(4, 5)"},
    ),
    Mistake(
        "one score for several classes",
        """
        scores = nn.Linear(4, 1)(gg.ones((3, 4)))
        labels = gg.tensor([0, 1, 1])
        loss = nn.CrossEntropyLoss()(scores, labels)
        """,
        error=gg.ArgumentError,
        says=(
            "CrossEntropyLoss got the label 1 at position 1, but the output has 1 class: the only label is "
            "0. With one score per sample, use BCEWithLogitsLoss. (at train.py:3)"
        ),
        cure={
            "nn.CrossEntropyLoss()(scores, labels)": "nn.BCEWithLogitsLoss()(scores, labels.reshape(3, 1))"
        },
    ),
    Mistake(
        "one-hot targets of integers",
        """
        scores = gg.zeros((2, 3))
        target = gg.tensor([[0, 0, 1], [1, 0, 0]])
        loss = nn.CrossEntropyLoss()(scores, target)
        """,
        error=gg.ShapeError,
        says=(
            "CrossEntropyLoss needs one label per sample: for output (2, 3) a target of shape (2,); got (2, "
            "3). If this is one-hot or a probability per class, gg.argmax(target, axis=1) gives labels. (at "
            "train.py:3)"
        ),
        cure={"(scores, target)": "(scores, gg.argmax(target, axis=1))"},
    ),
    Mistake(
        "labels in a column",
        """
        scores = gg.zeros((3, 2))
        labels = gg.tensor([[0], [1], [1]])
        loss = nn.CrossEntropyLoss()(scores, labels)
        """,
        error=gg.ShapeError,
        says=(
            "CrossEntropyLoss needs one label per sample: for output (3, 2) a target of shape (3,); got (3, "
            "1). Use target.reshape((3,)). (at train.py:3)"
        ),
        cure={"(scores, labels)": "(scores, labels.reshape((3,)))"},
    ),
    Mistake(
        "softmax before CrossEntropyLoss",
        """
        model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))
        probabilities = model(gg.ones((2, 4)))
        loss = nn.CrossEntropyLoss()(probabilities, gg.tensor([0, 2]))
        """,
        warns=(
            (
                "train.py:3: CrossEntropyLoss got rows that are probabilities already: positive, with sum 1. It "
                "applies softmax itself, so a model that ends in Softmax learns slowly. Leave the Softmax out, "
                "or use NLLLoss on their logarithm."
            ),
        ),
        cure={", nn.Softmax(dim=1)": ""},
    ),
    Mistake(
        "sigmoid before BCEWithLogitsLoss",
        """
        model = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())
        probabilities = model(gg.ones((2, 4)))
        loss = nn.BCEWithLogitsLoss()(probabilities, gg.tensor([[0.0], [1.0]]))
        """,
        warns=(
            (
                "train.py:3: BCEWithLogitsLoss got the output of the sigmoid at train.py:2, and applies sigmoid "
                "itself: twice makes learning slow. Leave that sigmoid out, or use BCELoss."
            ),
        ),
        cure={"nn.BCEWithLogitsLoss()": "nn.BCELoss()"},
    ),
    Mistake(
        "scores for BCELoss",
        """
        scores = gg.tensor([[-1.5], [2.5]])
        loss = nn.BCELoss()(scores, gg.tensor([[0.0], [1.0]]))
        """,
        error=gg.ArgumentError,
        says=(
            "BCELoss needs every output in [0, 1]; got -1.5 at index [0, 0]. Put nn.Sigmoid() last, or "
            "better: use BCEWithLogitsLoss, which takes any score. (at train.py:2)"
        ),
        cure={"nn.BCELoss()": "nn.BCEWithLogitsLoss()"},
    ),
    Mistake(
        "scores for NLLLoss",
        """
        scores = gg.tensor([[-1.5, 2.5], [0.5, 0.25]])
        loss = nn.NLLLoss()(scores, gg.tensor([0, 1]))
        """,
        error=gg.ArgumentError,
        says=(
            "NLLLoss needs log-probabilities, which are at most 0; got 2.5. Put nn.LogSoftmax(dim=1) last, "
            "or use CrossEntropyLoss, which takes any scores. (at train.py:2)"
        ),
        cure={"nn.NLLLoss()(scores": "nn.NLLLoss()(nn.LogSoftmax(dim=1)(scores)"},
    ),
    Mistake(
        "probabilities for NLLLoss",
        """
        probabilities = nn.Softmax(dim=1)(gg.tensor([[0.0, 0.0]]))
        loss = nn.NLLLoss()(probabilities, gg.tensor([1]))
        """,
        error=gg.ArgumentError,
        says=(
            "NLLLoss needs log-probabilities, which are at most 0; got 0.5. Put nn.LogSoftmax(dim=1) last, "
            "or use CrossEntropyLoss, which takes any scores. (at train.py:2)"
        ),
        cure={"nn.Softmax": "nn.LogSoftmax"},
    ),
    Mistake(
        "classes called minus one and one",
        """
        scores = gg.tensor([0.5, -0.5])
        target = gg.tensor([1.0, -1.0])
        loss = nn.BCEWithLogitsLoss()(scores, target)
        """,
        error=gg.ArgumentError,
        says=(
            "BCEWithLogitsLoss needs every target in [0, 1]; got -1 at index [1]. Labels of -1 and 1 become "
            "0 and 1 by (target + 1) / 2. (at train.py:3)"
        ),
        cure={"(scores, target)": "(scores, (target + 1) / 2)"},
    ),
    Mistake(
        "a batch without rows",
        """
        x, y = gg.ones((4, 2)), gg.ones((4, 1))
        rows = gg.arange(4) > 9
        loss = nn.MSELoss()(x[rows][:, :1], y[rows])
        """,
        error=gg.ShapeError,
        says=(
            "MSELoss got an empty batch, of shape (0, 1): there is no mean over nothing. Leave such batches "
            "out, or use reduction='sum'. (at train.py:3)"
        ),
        cure={"> 9": "> 1"},
    ),
    Mistake(
        "a loss made of the tensors that it is for",
        """
        scores, labels = gg.zeros((3, 2)), gg.tensor([0, 1, 1])
        loss = nn.CrossEntropyLoss(scores, labels)
        """,
        error=gg.ArgumentError,
        says=(
            "CrossEntropyLoss is made first, from its settings, and then called: "
            "nn.CrossEntropyLoss()(output, target) (at train.py:2)"
        ),
        cure={"nn.CrossEntropyLoss(": "nn.CrossEntropyLoss()("},
    ),
    Mistake(
        "a reduction that there is not",
        """
        loss = nn.MSELoss(reduction="average")
        """,
        error=gg.ArgumentError,
        says="reduction must be 'mean', 'sum' or 'none'; got 'average' (at train.py:1)",
        cure={"average": "mean"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_losses(mistake: Mistake) -> None:
    mistake.check()
