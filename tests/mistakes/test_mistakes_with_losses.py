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
        says="?",
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
        says="?",
        cure={"nn.MSELoss()": "nn.CrossEntropyLoss()"},
    ),
    Mistake(
        "labels as floats",
        """
        scores = gg.zeros((3, 2))
        labels = gg.tensor([0.0, 1.0, 1.0])
        loss = nn.CrossEntropyLoss()(scores, labels)
        """,
        error=gg.DTypeError,
        says="?",
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
        says="?",
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
        says="?",
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
        says="?",
        cure={"nn.CrossEntropyLoss()(scores, labels)": "nn.BCEWithLogitsLoss()(scores, labels.reshape(3, 1))"},
    ),
    Mistake(
        "one-hot targets of integers",
        """
        scores = gg.zeros((2, 3))
        target = gg.tensor([[0, 0, 1], [1, 0, 0]])
        loss = nn.CrossEntropyLoss()(scores, target)
        """,
        error=gg.ShapeError,
        says="?",
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
        says="?",
        cure={"(scores, labels)": "(scores, labels.reshape((3,)))"},
    ),
    Mistake(
        "softmax before CrossEntropyLoss",
        """
        model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))
        probabilities = model(gg.ones((2, 4)))
        loss = nn.CrossEntropyLoss()(probabilities, gg.tensor([0, 2]))
        """,
        warns=("?",),
        cure={", nn.Softmax(dim=1)": ""},
    ),
    Mistake(
        "sigmoid before BCEWithLogitsLoss",
        """
        model = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())
        probabilities = model(gg.ones((2, 4)))
        loss = nn.BCEWithLogitsLoss()(probabilities, gg.tensor([[0.0], [1.0]]))
        """,
        warns=("?",),
        cure={"nn.BCEWithLogitsLoss()": "nn.BCELoss()"},
    ),
    Mistake(
        "scores for BCELoss",
        """
        scores = gg.tensor([[-1.5], [2.5]])
        loss = nn.BCELoss()(scores, gg.tensor([[0.0], [1.0]]))
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"nn.BCELoss()": "nn.BCEWithLogitsLoss()"},
    ),
    Mistake(
        "scores for NLLLoss",
        """
        scores = gg.tensor([[-1.5, 2.5], [0.5, 0.25]])
        loss = nn.NLLLoss()(scores, gg.tensor([0, 1]))
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"nn.NLLLoss()(scores": "nn.NLLLoss()(nn.LogSoftmax(dim=1)(scores)"},
    ),
    Mistake(
        "probabilities for NLLLoss",
        """
        probabilities = nn.Softmax(dim=1)(gg.tensor([[0.0, 0.0]]))
        loss = nn.NLLLoss()(probabilities, gg.tensor([1]))
        """,
        error=gg.ArgumentError,
        says="?",
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
        says="?",
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
        says="?",
        cure={"> 9": "> 1"},
    ),
    Mistake(
        "a loss made of the tensors that it is for",
        """
        scores, labels = gg.zeros((3, 2)), gg.tensor([0, 1, 1])
        loss = nn.CrossEntropyLoss(scores, labels)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"nn.CrossEntropyLoss(": "nn.CrossEntropyLoss()("},
    ),
    Mistake(
        "a reduction that there is not",
        """
        loss = nn.MSELoss(reduction="average")
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"average": "mean"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_losses(mistake: Mistake) -> None:
    mistake.check()
