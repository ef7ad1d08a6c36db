"""Handwritten digits: 1797 real images of 8×8 pixels that come with scikit-learn."""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .dataset import ArrayDataset, from_arrays
from .split import split


def digits(test_fraction: float = 0.2, seed: int = 0) -> tuple[ArrayDataset, ArrayDataset]:
    """Return (training set, test set) of handwritten digits; each row is (image, label).

    image: float32 (64,), the 8×8 grey values row by row, from 0 (paper) to 1 (ink). label: int64 (), 0 to 9.
    The rows are parted by `split` with the labels as its group: every digit has its share in both parts, to
    within one row. Nothing is downloaded. Raises DataError when scikit-learn is not installed.

    Source: Alpaydin and Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, CC BY 4.0; the test part, as bundled with scikit-learn.

    >>> train, test = digits()
    >>> train
    ArrayDataset(1438 rows: float32(1438, 64), int64(1438,))
    >>> len(test), test.class_names[:3]
    (359, ('0', '1', '2'))
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DataError(
            "the digits come with scikit-learn, which is not installed: pip install 'glassgrad[data]'"
        ) from error
    images, labels = load_digits(return_X_y=True)
    images = (images / 16.0).astype(np.float32)  # the file counts ink from 0 to 16
    labels = labels.astype(np.int64)
    names = [str(digit) for digit in range(10)]
    train, test = (
        from_arrays(images[rows], labels[rows], class_names=names)
        for rows in split(len(labels), test_fraction, seed, groups=[labels])
    )
    return train, test
