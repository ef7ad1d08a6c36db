"""Mistakes with data: tables whose cells are not what they should be, and batches that cannot be made."""

import pytest
from mistake import Mistake

import glassgrad as gg

MISTAKES = [
    Mistake(
        "a target column that there is not",
        r"""
        Path("pets.csv").write_text("legs,kind\n4,dog\n2,bird\n4,dog\n2,bird\n4,dog\n")
        train, test, schema = gg.data.csv("pets.csv", target="Kind")
        """,
        error=gg.DataError,
        says="?",
        cure={'"Kind"': '"kind"'},
    ),
    Mistake(
        "a table with semicolons",
        r"""
        Path("pets.csv").write_text("legs;kind\n4;dog\n2;bird\n4;dog\n2;bird\n4;dog\n")
        train, test, schema = gg.data.csv("pets.csv", target="kind")
        """,
        error=gg.DataError,
        says="?",
        cure={";": ","},
    ),
    Mistake(
        "a row with too many fields",
        r"""
        Path("pets.csv").write_text("legs,kind\n4,dog\n2,bird, red\n4,dog\n2,bird\n4,dog\n")
        train, test, schema = gg.data.csv("pets.csv", target="kind")
        """,
        error=gg.DataError,
        says="?",
        cure={"bird, red": "bird"},
    ),
    Mistake(
        "an empty cell",
        r"""
        Path("pets.csv").write_text("legs,kind\n4,dog\n,bird\n4,dog\n2,bird\n4,dog\n")
        train, test, schema = gg.data.csv("pets.csv", target="kind")
        """,
        error=gg.DataError,
        says="?",
        cure={"\\n,bird": "\\n2,bird"},
    ),
    Mistake(
        "a word in a column of numbers",
        r"""
        Path("pets.csv").write_text("legs,kind\n4,dog\ntwo,bird\n4,dog\n2,bird\n4,dog\n")
        train, test, schema = gg.data.csv("pets.csv", target="kind")
        """,
        error=gg.DataError,
        says="?",
        cure={"two": "2"},
    ),
    Mistake(
        "a table without rows",
        r"""
        Path("pets.csv").write_text("legs,kind\n")
        train, test, schema = gg.data.csv("pets.csv", target="kind")
        """,
        error=gg.DataError,
        says="?",
        cure={r"legs,kind\n": r"legs,kind\n4,dog\n2,bird\n4,dog\n2,bird\n4,dog\n"},
    ),
    Mistake(
        "a file that is somewhere else",
        r"""
        Path("pets.csv").write_text("legs,kind\n4,dog\n2,bird\n4,dog\n2,bird\n4,dog\n")
        train, test, schema = gg.data.csv("data/pets.csv", target="kind")
        """,
        error=gg.DataError,
        says="?",
        cure={"data/pets": "pets"},
    ),
    Mistake(
        "inputs and targets of different lengths",
        """
        x, y = np.ones((100, 4)), np.ones(99)
        loader = gg.data.DataLoader((x, y), batch_size=10)
        """,
        error=gg.ShapeError,
        says="?",
        cure={"99": "100"},
    ),
    Mistake(
        "inputs and targets one after the other",
        """
        x, y = np.ones((100, 4)), np.ones(100)
        loader = gg.data.DataLoader(x, y)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"(x, y)": "((x, y), batch_size=32)"},
    ),
    Mistake(
        "inputs and targets in a list",
        """
        x, y = np.ones((100, 4)), np.ones(100)
        loader = gg.data.DataLoader([x, y], batch_size=2)
        for inputs, targets in loader:
            pass
        """,
        error=gg.ShapeError,
        says="?",
        cure={"[x, y]": "(x, y)"},
    ),
    Mistake(
        "labels as texts",
        """
        x, kinds = np.ones((2, 4)), np.array(["cat", "dog"])
        loader = gg.data.DataLoader((x, kinds), batch_size=2)
        """,
        error=gg.DTypeError,
        says="?",
        cure={"(x, kinds)": "(x, np.unique(kinds, return_inverse=True)[1])"},
    ),
    Mistake(
        "a data set without rows",
        """
        x = np.ones((100, 4))
        loader = gg.data.DataLoader(x[x[:, 0] > 1], batch_size=10)
        """,
        error=gg.DataError,
        says="?",
        cure={"> 1": "> 0"},
    ),
    Mistake(
        "batches of no rows",
        """
        loader = gg.data.DataLoader(np.ones((100, 4)), batch_size=0)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"batch_size=0": "batch_size=1"},
    ),
    Mistake(
        "a batch size that was divided",
        """
        x = np.ones((100, 4))
        loader = gg.data.DataLoader(x, batch_size=len(x) / 10)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"len(x) / 10": "len(x) // 10"},
    ),
    Mistake(
        "drop_last that leaves nothing",
        """
        loader = gg.data.DataLoader(np.ones((10, 4)), batch_size=32, drop_last=True)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={", drop_last=True": ""},
    ),
    Mistake(
        "a row that there is not",
        """
        data = gg.data.from_arrays(np.ones((10, 4)))
        last = data[10]
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"data[10]": "data[9]"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_data(mistake: Mistake) -> None:
    mistake.check()
