"""Data: sets of rows, batches of them, CSV tables, and the digits to start with."""

from .dataset import ArrayDataset, Dataset, from_arrays
from .digits import digits
from .from_csv import csv
from .learn_schema import learn_schema
from .loader import DataLoader
from .schema import TableSchema
from .split import split
from .table import Table, read_table, write_predictions

__all__ = [
    "ArrayDataset",
    "DataLoader",
    "Dataset",
    "Table",
    "TableSchema",
    "csv",
    "digits",
    "from_arrays",
    "learn_schema",
    "read_table",
    "split",
    "write_predictions",
]
