"""Batches: every row once per epoch, orders that repeat, and exact positions."""

import json

import numpy as np
import pytest
from hypothesis import given, strategies as st

from glassgrad.data import DataLoader, Dataset, from_arrays
from glassgrad.errors import ArgumentError, CheckpointError, DataError, DTypeError, ShapeError
from glassgrad.tensor import Tensor, tensor

SETTINGS = st.fixed_dictionaries(
    {
        "rows": st.integers(1, 40),
        "batch_size": st.integers(1, 12),
        "shuffle": st.booleans(),
        "drop_last": st.booleans(),
        "seed": st.integers(0, 2**64 - 1),
    }
).filter(lambda s: not (s["drop_last"] and s["rows"] < s["batch_size"]))


def make(rows, batch_size, shuffle, drop_last, seed):
    return DataLoader(np.arange(rows), batch_size, shuffle, drop_last=drop_last, seed=seed)


def batches(loader):
    """One epoch, as lists of row numbers."""
    return [np.asarray(rows).tolist() for (rows,) in loader]


def flat(epoch):
    return [row for batch in epoch for row in batch]


class Rows(Dataset):
    """A data set whose rows are given."""

    def __init__(self, *rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]


# --- batches ---------------------------------------------------------------------------------------------


def test_batches_are_tuples_of_tensors_with_the_dtypes_of_the_data():
    loader = DataLoader((np.ones((3, 2), np.float32), np.array([4, 5, 6])), batch_size=2)
    (images, labels), (last_images, last_labels) = list(loader)
    assert isinstance(images, Tensor)
    assert isinstance(labels, Tensor)
    assert (images.shape, images.dtype, last_images.shape) == ((2, 2), np.float32, (1, 2))
    assert (labels.tolist(), labels.dtype, last_labels.tolist()) == ([4, 5], np.int64, [6])


def test_batches_do_not_share_memory_with_the_data():
    data = np.arange(4)
    (batch,) = next(iter(DataLoader(data, batch_size=4)))
    assert not np.shares_memory(batch.numpy(), data)


@pytest.mark.parametrize(
    ("rows", "batch_size", "drop_last", "length"),
    [
        (10, 5, False, 2),
        (11, 5, False, 3),
        (11, 5, True, 2),
        (5, 5, True, 1),
        (3, 5, False, 1),
        (1, 1, False, 1),
    ],
)
def test_length_is_the_number_of_batches(rows, batch_size, drop_last, length):
    loader = DataLoader(np.arange(rows), batch_size, drop_last=drop_last)
    assert len(loader) == length
    assert len(list(loader)) == length


@pytest.mark.parametrize("data", [from_arrays(np.arange(3)), np.arange(3), tensor([0, 1, 2]), Rows(0, 1, 2)])
def test_all_kinds_of_data(data):
    assert batches(DataLoader(data, 2)) == [[0, 1], [2]]


def test_rows_of_a_data_set_are_stacked_field_by_field():
    rows = Rows(([1.0, 2.0], 0), ([3.0, 4.0], 1), (np.array([5.0, 6.0], np.float32), 2))
    ((features, labels),) = list(DataLoader(rows, batch_size=3))
    assert (features.tolist(), features.dtype) == ([[1, 2], [3, 4], [5, 6]], np.float32)
    assert (labels.tolist(), labels.dtype) == ([0, 1, 2], np.int64)


def test_a_data_set_of_numbers_gives_tuples_of_one_field():
    ((numbers,),) = list(DataLoader(Rows(1.5, 2.5), batch_size=2))
    assert (numbers.tolist(), numbers.dtype) == ([1.5, 2.5], np.float32)


def test_a_data_set_of_arrays_and_a_user_data_set_give_the_same_batches():
    rows = Rows(*((float(number), number) for number in range(7)))
    arrays = (np.arange(7, dtype=np.float32), np.arange(7))
    left = DataLoader(rows, 3, shuffle=True, seed=5)
    right = DataLoader(arrays, 3, shuffle=True, seed=5)
    for mine, theirs in zip(left, right, strict=True):
        assert [part.tolist() for part in mine] == [part.tolist() for part in theirs]


# --- orders ----------------------------------------------------------------------------------------------


def test_without_shuffling_the_rows_keep_their_order():
    loader = DataLoader(np.arange(5), 2)
    assert batches(loader) == batches(loader) == [[0, 1], [2, 3], [4]]


@given(SETTINGS)
def test_every_epoch_has_every_row_once(settings):
    loader = make(**settings)
    for _ in range(3):
        epoch = flat(batches(loader))
        left_out = settings["rows"] % settings["batch_size"] if settings["drop_last"] else 0
        assert len(epoch) == settings["rows"] - left_out
        assert len(set(epoch)) == len(epoch)
        assert set(epoch) <= set(range(settings["rows"]))


def test_epochs_and_seeds_have_orders_of_their_own():
    loaders = [DataLoader(np.arange(20), 4, shuffle=True, seed=seed) for seed in (0, 1)]
    orders = {tuple(flat(batches(loader))) for loader in loaders for _ in range(10)}
    assert len(orders) == 20


def test_the_same_seed_gives_the_same_epochs_whatever_the_batch_size():
    small, large = (DataLoader(np.arange(20), size, shuffle=True, seed=3) for size in (1, 20))
    for _ in range(3):
        assert flat(batches(small)) == flat(batches(large))


def test_set_epoch_replays_any_epoch():
    loader = DataLoader(np.arange(20), 3, shuffle=True, seed=9)
    epochs = [batches(loader) for _ in range(5)]
    for number in (4, 0, 2):
        loader.set_epoch(number)
        assert batches(loader) == epochs[number]
    assert loader.epoch == 3


def test_drop_last_leaves_out_other_rows_in_other_epochs():
    loader = DataLoader(np.arange(10), 3, shuffle=True, drop_last=True)
    left_out = {(set(range(10)) - set(flat(batches(loader)))).pop() for _ in range(30)}
    assert len(left_out) > 5


# --- positions -------------------------------------------------------------------------------------------


def test_the_epoch_counts_iterations():
    loader = DataLoader(np.arange(4), 2)
    assert loader.epoch == 0
    seen = []
    for _ in range(3):
        for _batch in loader:
            seen.append(loader.epoch)
    assert seen == [0, 0, 1, 1, 2, 2]
    assert loader.epoch == 3


def test_iterating_again_after_leaving_early_starts_the_next_epoch():
    loader = DataLoader(np.arange(6), 2, shuffle=True, seed=4)
    epochs = [batches(loader) for _ in range(2)]
    loader.set_epoch(0)
    for _batch in loader:
        break
    assert loader.epoch == 0
    assert batches(loader) == epochs[1]


def test_an_abandoned_iterator_does_not_move_the_loader():
    loader = DataLoader(np.arange(6), 2)
    old = iter(loader)
    next(old)
    new = iter(loader)
    next(new)
    before = loader.state_dict()
    assert len(list(old)) == 2
    assert loader.state_dict() == before
    assert (before["epoch"], before["batch"]) == (1, 1)


@given(settings=SETTINGS, data=st.data())
def test_resuming_anywhere_gives_the_remaining_batches(settings, data):
    loader = make(**settings)
    epoch = data.draw(st.integers(0, 3), label="epoch")
    delivered = data.draw(st.integers(0, len(loader)), label="batches delivered")
    uninterrupted = make(**settings)
    expected = [batches(uninterrupted) for _ in range(epoch + 2)]

    for _ in range(epoch):
        batches(loader)
    iterator = iter(loader)
    for _ in range(delivered):
        next(iterator)
    resumed = make(**settings)
    resumed.load_state_dict(json.loads(json.dumps(loader.state_dict())))

    assert resumed.epoch == epoch
    assert batches(resumed) == expected[epoch][delivered:]
    assert batches(resumed) == expected[epoch + 1]


def test_a_position_between_epochs_resumes_with_the_next_one():
    loader = DataLoader(np.arange(6), 2, shuffle=True)
    batches(loader)
    resumed = DataLoader(np.arange(6), 2, shuffle=True)
    resumed.load_state_dict(loader.state_dict())
    assert batches(resumed) == batches(loader)


def test_a_loader_goes_back_to_its_own_state():
    loader = DataLoader(np.arange(6), 2, shuffle=True)
    iterator = iter(loader)
    next(iterator)
    state = loader.state_dict()
    rest = [np.asarray(rows).tolist() for (rows,) in iterator]
    loader.load_state_dict(state)
    assert batches(loader) == rest


def test_state_is_plain():
    loader = DataLoader(np.arange(6), 2, shuffle=True, seed=8)
    next(iter(loader))
    assert loader.state_dict() == {
        "epoch": 0,
        "batch": 1,
        "rows": 6,
        "batch_size": 2,
        "shuffle": True,
        "drop_last": False,
        "seed": 8,
    }


# --- mistakes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batch_size", "message"),
    [
        (0, "batch_size must be at least 1; got 0"),
        (-3, "batch_size must be at least 1; got -3"),
        (2.0, "batch_size must be a whole number; got 2.0 (float). // divides to a whole number"),
        ("8", "batch_size must be a whole number; got '8' (str)"),
        (True, "batch_size must be a whole number; got True"),
    ],
)
def test_wrong_batch_sizes(batch_size, message):
    with pytest.raises(ArgumentError) as caught:
        DataLoader(np.arange(3), batch_size)
    assert str(caught.value) == message


@pytest.mark.parametrize("data", [(np.zeros((0, 3)), np.zeros(0)), np.zeros(0), Rows()])
def test_an_empty_data_set(data):
    with pytest.raises(DataError) as caught:
        DataLoader(data, 2)
    assert str(caught.value) == "the data set is empty (0 rows); an empty batch cannot be trained on"


def test_drop_last_that_leaves_nothing():
    with pytest.raises(ArgumentError) as caught:
        DataLoader(np.arange(3), 4, drop_last=True)
    assert str(caught.value) == (
        "drop_last leaves no batch: the data set has 3 rows, batch_size is 4. "
        "Use a batch_size of at most 3, or drop_last=False"
    )


@pytest.mark.parametrize(
    ("data", "kind"),
    [(5, "int"), (iter([1]), "list_iterator"), ({"x": [1]}, "dict"), ("abc", "str"), (None, "NoneType")],
)
def test_no_data_set(data, kind):
    with pytest.raises(ArgumentError) as caught:
        DataLoader(data)
    assert str(caught.value) == (
        f"DataLoader needs a Dataset (with __len__ and __getitem__) or a tuple of arrays; got {kind}"
    )


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (
            Rows((1.0, 2), (1.0,)),
            DataError,
            "every row needs the same number of fields; row 0 has 2, row 1 has 1",
        ),
        (
            Rows((0, [1.0]), (0, [1.0]), (0, [1.0, 2.0])),
            ShapeError,
            "rows of one batch must have equal shapes; field 1 has shape (1,) in row 0, but (2,) in row 2",
        ),
        (
            Rows(1, 2.0),
            DTypeError,
            "rows of one batch must have equal dtypes; field 0 is int64 in row 0, but float32 in row 1",
        ),
    ],
)
def test_rows_that_do_not_fit_together(rows, error, message):
    with pytest.raises(error) as caught:
        list(DataLoader(rows, 3))
    assert str(caught.value) == message


def test_a_row_that_is_no_number():
    with pytest.raises(DTypeError) as caught:
        list(DataLoader(Rows((1.0, 0), (2.0, "cat")), 2))
    assert str(caught.value).startswith("row 1, field 1: a tensor holds numbers; got 'cat'")


def test_a_state_of_another_loader():
    state = DataLoader(np.arange(6), 2, shuffle=True, seed=1).state_dict()
    with pytest.raises(CheckpointError) as caught:
        DataLoader(np.arange(7), 2, shuffle=True, seed=2).load_state_dict(state)
    assert str(caught.value) == (
        "the saved position belongs to another data loader: rows was 6, is 7, seed was 1, is 2. "
        "Make the DataLoader as it was made then, or start without the saved position"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": 4}, "the saved position of the data loader has batch 4; expected 0 to 3"),
        ({"batch": -1}, "the saved position of the data loader has batch -1; expected 0 to 3"),
        ({"batch": "1"}, "the saved position of the data loader has batch '1'; expected 0 to 3"),
        (
            {"epoch": 1.0},
            "the saved position of the data loader has epoch 1.0; expected 0 to 18446744073709551615",
        ),
    ],
)
def test_an_impossible_state(change, message):
    loader = DataLoader(np.arange(6), 2)
    with pytest.raises(CheckpointError) as caught:
        loader.load_state_dict(loader.state_dict() | change)
    assert str(caught.value) == message


def test_an_incomplete_state():
    with pytest.raises(CheckpointError) as caught:
        DataLoader(np.arange(6)).load_state_dict({"epoch": 1, "rows": 6})
    assert str(caught.value) == (
        "the saved position of the data loader lacks batch, batch_size, shuffle, drop_last, seed"
    )


def test_a_state_that_is_no_dict():
    with pytest.raises(CheckpointError) as caught:
        DataLoader(np.arange(6)).load_state_dict(None)
    assert str(caught.value) == (
        "the saved position of the data loader should be the dict that state_dict() gave; got NoneType"
    )


def test_a_refused_state_leaves_the_position():
    loader = DataLoader(np.arange(6), 2)
    loader.set_epoch(3)
    with pytest.raises(CheckpointError):
        loader.load_state_dict(loader.state_dict() | {"batch": 99, "epoch": 7})
    assert loader.epoch == 3


def test_a_negative_epoch():
    with pytest.raises(ArgumentError, match=r"^epoch must be from 0 to 2\*\*64-1; got -1$"):
        DataLoader(np.arange(6)).set_epoch(-1)


def test_an_error_in_the_users_data_set_comes_through():
    class Broken(Rows):
        def __getitem__(self, index):
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(DataLoader(Broken(1)))
