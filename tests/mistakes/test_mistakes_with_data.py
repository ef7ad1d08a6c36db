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
        says="pets.csv: there is no target column 'Kind'. Columns: 'legs', 'kind'. Did you mean 'kind'?",
        cure={'"Kind"': '"kind"'},
    ),
    Mistake(
        "a table with semicolons",
        r"""
        Path("pets.csv").write_text("legs;kind\n4;dog\n2;bird\n4;dog\n2;bird\n4;dog\n")
        train, test, schema = gg.data.csv("pets.csv", target="kind")
        """,
        error=gg.DataError,
        says=(
            "pets.csv: there is no target column 'kind', only the one column 'legs;kind'. The fields seem to "
            "be separated by ';'; they must be separated by commas."
        ),
        cure={";": ","},
    ),
    Mistake(
        "a row with too many fields",
        r"""
        Path("pets.csv").write_text("legs,kind\n4,dog\n2,bird, red\n4,dog\n2,bird\n4,dog\n")
        train, test, schema = gg.data.csv("pets.csv", target="kind")
        """,
        error=gg.DataError,
        says=(
            "pets.csv:3: expected 2 fields, as in the header, got 3. A field that holds a comma or a line "
            "break must stand in double quotes"
        ),
        cure={"bird, red": "bird"},
    ),
    Mistake(
        "an empty cell",
        r"""
        Path("pets.csv").write_text("legs,kind\n4,dog\n,bird\n4,dog\n2,bird\n4,dog\n")
        train, test, schema = gg.data.csv("pets.csv", target="kind")
        """,
        error=gg.DataError,
        says=(
            "pets.csv:3: missing values: 'legs' has 1 (line 3). A cell is missing when it is empty or one of "
            "NA, nan, NaN, null, ?. Fill it in, or remove its row or its column"
        ),
        cure={"\\n,bird": "\\n2,bird"},
    ),
    Mistake(
        "a word in a column of numbers",
        r"""
        Path("pets.csv").write_text("legs,kind\n4,dog\ntwo,bird\n4,dog\n2,bird\n4,dog\n")
        train, test, schema = gg.data.csv("pets.csv", target="kind")
        """,
        error=gg.DataError,
        says=(
            "pets.csv:3: in column 'legs', 4 cells are numbers and 1 is not: 'two' (line 3). Write numbers "
            "such as 3.5 in all of them; or, if the column holds names, write the numbers as text too, such "
            "as 'no 7'"
        ),
        cure={"two": "2"},
    ),
    Mistake(
        "a table without rows",
        r"""
        Path("pets.csv").write_text("legs,kind\n")
        train, test, schema = gg.data.csv("pets.csv", target="kind")
        """,
        error=gg.DataError,
        says="pets.csv:1: there are column names but no rows below them",
        cure={r"legs,kind\n": r"legs,kind\n4,dog\n2,bird\n4,dog\n2,bird\n4,dog\n"},
    ),
    Mistake(
        "a file that is somewhere else",
        r"""
        Path("pets.csv").write_text("legs,kind\n4,dog\n2,bird\n4,dog\n2,bird\n4,dog\n")
        train, test, schema = gg.data.csv("data/pets.csv", target="kind")
        """,
        error=gg.DataError,
        says="data/pets.csv: there is no such file",
        cure={"data/pets": "pets"},
    ),
    Mistake(
        "inputs and targets of different lengths",
        """
        x, y = np.ones((100, 4)), np.ones(99)
        loader = gg.data.DataLoader((x, y), batch_size=10)
        """,
        error=gg.ShapeError,
        says=(
            "every array needs the same number of rows; array 0 has 100 (shape (100, 4)), array 1 has 99 "
            "(shape (99,))"
        ),
        cure={"99": "100"},
    ),
    Mistake(
        "inputs and targets one after the other",
        """
        x, y = np.ones((100, 4)), np.ones(100)
        loader = gg.data.DataLoader(x, y)
        """,
        error=gg.ArgumentError,
        says=(
            "batch_size must be a whole number; got ndarray. To pair inputs with targets, pass a tuple: "
            "DataLoader((inputs, targets), batch_size=32)"
        ),
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
        says=(
            "rows of one batch must have equal shapes; field 0 has shape (100, 4) in row 0, but (100,) in "
            "row 1. To pair inputs with targets, pass a tuple: DataLoader((inputs, targets))"
        ),
        cure={"[x, y]": "(x, y)"},
    ),
    Mistake(
        "labels as texts",
        """
        x, kinds = np.ones((2, 4)), np.array(["cat", "dog"])
        loader = gg.data.DataLoader((x, kinds), batch_size=2)
        """,
        error=gg.DTypeError,
        says=(
            "array 1: a tensor holds numbers; got array(['cat', 'dog'], dtype='<U3') (NumPy dtype <U3). Turn "
            "categories into integers first: np.unique(x, return_inverse=True)[1]."
        ),
        cure={"(x, kinds)": "(x, np.unique(kinds, return_inverse=True)[1])"},
    ),
    Mistake(
        "a data set without rows",
        """
        x = np.ones((100, 4))
        loader = gg.data.DataLoader(x[x[:, 0] > 1], batch_size=10)
        """,
        error=gg.DataError,
        says="the data set is empty (0 rows); an empty batch cannot be trained on",
        cure={"> 1": "> 0"},
    ),
    Mistake(
        "batches of no rows",
        """
        loader = gg.data.DataLoader(np.ones((100, 4)), batch_size=0)
        """,
        error=gg.ArgumentError,
        says="batch_size must be at least 1; got 0",
        cure={"batch_size=0": "batch_size=1"},
    ),
    Mistake(
        "a batch size that was divided",
        """
        x = np.ones((100, 4))
        loader = gg.data.DataLoader(x, batch_size=len(x) / 10)
        """,
        error=gg.ArgumentError,
        says="batch_size must be a whole number; got 10.0 (float). // divides to a whole number",
        cure={"len(x) / 10": "len(x) // 10"},
    ),
    Mistake(
        "drop_last that leaves nothing",
        """
        loader = gg.data.DataLoader(np.ones((10, 4)), batch_size=32, drop_last=True)
        """,
        error=gg.ArgumentError,
        says=(
            "drop_last leaves no batch: the data set has 10 rows, batch_size is 32. Use a batch_size of at "
            "most 10, or drop_last=False"
        ),
        cure={", drop_last=True": ""},
    ),
    Mistake(
        "a row that there is not",
        """
        data = gg.data.from_arrays(np.ones((10, 4)))
        last = data[10]
        """,
        error=gg.ArgumentError,
        says="there is no row 10: this data set has 10 rows, numbered 0 to 9",
        cure={"data[10]": "data[9]"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_data(mistake: Mistake) -> None:
    mistake.check()
