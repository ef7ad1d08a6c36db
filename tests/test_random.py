"""gg.random against a Philox written from the paper, the moments of the distributions, and its promises."""

import json
import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import random
from glassgrad.ops.philox import RandomUniform, philox_words, random_uniform

WORD = 2**64


def philox_block(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x64-10 of one counter, in Python integers, as in section 4.3 of Salmon et al. (2011)."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2E7470EE14C6C93 * c[0], WORD)
        high1, low1 = divmod(0xCA5A826395121157 * c[2], WORD)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B97F4A7C15) % WORD, (k[1] + 0xBB67AE8584CAA73B) % WORD]
    return c


def expected_words(seed: int, offset: int, blocks: int) -> list[int]:
    return [word for i in range(blocks) for word in philox_block([offset + i, 0, 0, 1], [seed, 0])]


@pytest.mark.parametrize(
    ("counter", "key", "block"),
    [  # the vectors that the authors publish with their library Random123
        ([0] * 4, [0] * 2, "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b"),
        (
            [WORD - 1] * 4,
            [WORD - 1] * 2,
            "87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0",
        ),
        (
            [0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89],
            [0x452821E638D01377, 0xBE5466CF34E90C6C],
            "a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6",
        ),
    ],
)
def test_the_philox_of_this_test_gives_the_published_vectors(counter, key, block):
    assert philox_block(counter, key) == [int(word, 16) for word in block.split()]


@pytest.mark.parametrize(("seed", "offset"), [(0, 0), (1, 0), (42, 7), (WORD - 1, WORD - 3)])
def test_the_bits_are_philox(seed, offset):
    assert philox_words(seed, offset, 2).tolist() == expected_words(seed, offset, 2)


def test_float32_takes_the_upper_24_bits_of_each_half_word_lower_half_first():
    random.seed(9)
    words = expected_words(9, 0, 2)
    halves = [half for word in words for half in (word % 2**32, word >> 32)]
    expected = [(half >> 8) * 2.0**-24 for half in halves[:11]]
    drawn = random.uniform(11)
    assert drawn.dtype == gg.float32
    assert drawn.tolist() == expected


def test_float64_takes_the_upper_53_bits_of_each_word():
    random.seed(9)
    expected = np.array([(word >> 11) * 2.0**-53 for word in expected_words(9, 0, 2)[:6]])
    assert random.uniform((2, 3), dtype=gg.float64).tolist() == expected.reshape(2, 3).tolist()


def test_a_draw_moves_the_offset_by_the_blocks_it_used():
    generator = random.Generator(seed=5)
    generator.uniform(8)
    assert generator.offset == 1
    generator.uniform(9)
    assert generator.offset == 3
    generator.uniform(5, dtype=gg.float64)
    assert generator.offset == 5
    generator.normal(3)  # two pairs of float64 numbers
    assert generator.offset == 6
    generator.uniform(0)
    assert generator.offset == 6


def test_consecutive_draws_are_pieces_of_one_stream():
    whole = random.Generator(seed=3).uniform(24).numpy()
    generator = random.Generator(seed=3)
    pieces = [generator.uniform(8).numpy() for _ in range(3)]
    assert np.concatenate(pieces).tolist() == whole.tolist()


def test_consecutive_draws_are_independent():
    n = 20_000
    generator = random.Generator(seed=1)
    x, y = generator.uniform(n).numpy(), generator.uniform(n).numpy()
    # the correlation of independent samples has standard deviation 1/sqrt(n)
    assert abs(np.corrcoef(x, y)[0, 1]) < 4 / math.sqrt(n)
    assert not set(x.tolist()[:1000]) >= set(y.tolist()[:1000])


def test_neighbouring_seeds_are_independent():
    n = 20_000
    x, y = (random.Generator(seed).uniform(n).numpy() for seed in (100, 101))
    assert abs(np.corrcoef(x, y)[0, 1]) < 4 / math.sqrt(n)


def test_moments_of_uniform():
    n = 100_000
    x = random.Generator(seed=2).uniform(n, -2.0, 6.0, dtype=gg.float64).numpy()
    assert x.min() >= -2.0
    assert x.max() < 6.0
    # mean 2 with deviation (8/sqrt 12)/sqrt n; mean square deviation 64/12, its deviation 64 sqrt(1/180)/sqrt n
    assert abs(x.mean() - 2.0) < 4 * 8 / math.sqrt(12 * n)
    assert abs(((x - 2.0) ** 2).mean() - 64 / 12) < 4 * 64 / math.sqrt(180 * n)


def test_uniform_fills_every_tenth_evenly():
    n = 100_000
    counts, _ = np.histogram(random.Generator(seed=6).uniform(n).numpy(), bins=10, range=(0, 1))
    # chi squared with 9 degrees of freedom: 27.9 is exceeded once in 1000 seeds
    assert ((counts - n / 10) ** 2 / (n / 10)).sum() < 27.9


def test_moments_of_normal():
    n = 100_000
    x = random.Generator(seed=2).normal((n,), mean=3.0, std=2.0, dtype=gg.float64).numpy()
    z = (x - 3.0) / 2.0
    # the standard deviations of the sample's moments 1, 2, 3, 4 are those of z**k: 1, sqrt 2, sqrt 15, sqrt 96
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**power).mean() - moment) < 4 * math.sqrt(variance / n)


def test_normal_is_box_muller_in_float64():
    u = [(word >> 11) * 2.0**-53 for word in expected_words(4, 0, 1)]
    radius = [math.sqrt(-2.0 * math.log1p(-value)) for value in u[:2]]
    angle = [2.0 * math.pi * value for value in u[2:]]
    expected = [r * math.cos(a) for r, a in zip(radius, angle, strict=True)]
    expected += [r * math.sin(a) for r, a in zip(radius, angle, strict=True)]
    drawn = random.Generator(seed=4).normal((3,), dtype=gg.float64).numpy()
    assert drawn == pytest.approx(expected[:3], rel=1e-14)
    single = random.Generator(seed=4).normal((3,)).numpy()
    assert single.tolist() == drawn.astype(np.float32).tolist()


def test_normal_takes_any_float_dtype_and_any_shape():
    assert random.normal((2, 0, 3)).shape == (2, 0, 3)
    assert random.normal(()).shape == ()
    assert random.normal(5, dtype=gg.float16).dtype == gg.float16


def test_bernoulli():
    n = 100_000
    drawn = random.Generator(seed=8).bernoulli(0.3, (n,))
    assert drawn.dtype == gg.bool_
    assert abs(drawn.numpy().mean() - 0.3) < 4 * math.sqrt(0.3 * 0.7 / n)
    assert not random.bernoulli(0.0, 1000).numpy().any()
    assert random.bernoulli(1.0, 1000).numpy().all()


def test_permutation():
    generator = random.Generator(seed=8)
    order = generator.permutation(1000)
    assert order.dtype == gg.int64
    assert sorted(order.tolist()) == list(range(1000))
    # each of the 6 orders of 3 things: 1000 of 6000, deviation sqrt(6000 * 5/36)
    orders = [tuple(generator.permutation(3).tolist()) for _ in range(6000)]
    counts = [orders.count(each) for each in sorted(set(orders))]
    assert len(counts) == 6
    assert max(abs(count - 1000) for count in counts) < 4.5 * math.sqrt(6000 * 5 / 36)


def test_a_seed_repeats_all_draws():
    def draws():
        random.seed(77)
        return [
            random.uniform((2, 2), -1, 1).tolist(),
            random.normal(3).tolist(),
            random.bernoulli(0.5, 9).tolist(),
            random.permutation(9).tolist(),
        ]

    assert draws() == draws()


def test_a_state_survives_json_and_goes_on_bit_for_bit():
    random.seed(123)
    random.normal(10)
    state = json.loads(json.dumps(random.get_state()))
    assert state == {"seed": 123, "offset": 3}
    following = random.uniform(5).tolist()
    random.seed(0)
    random.set_state(state)
    assert random.uniform(5).tolist() == following


def test_generators_do_not_disturb_the_default_stream():
    random.seed(1)
    expected = random.uniform(3).tolist()
    random.seed(1)
    random.Generator(seed=1).normal(100)
    assert random.uniform(3).tolist() == expected


def test_the_shuffles_of_gg_data_use_other_bits():
    from glassgrad.data.shuffle import permutation

    n = 1000
    shuffled = permutation(n, seed=0, stream=0)
    words = philox_words(0, 0, n // 4)
    assert np.argsort(words, kind="stable").tolist() != shuffled.tolist()


def test_random_numbers_are_a_node_of_the_graph_through_which_no_gradient_flows():
    x = gg.tensor(2.0, requires_grad=True)
    noise = random.uniform(3)
    (x * noise).sum().backward()
    assert x.grad.item() == pytest.approx(noise.numpy().sum(), rel=1e-6)
    assert not noise.requires_grad
    assert repr(random.Generator(3, 4)) == "Generator(seed=3, offset=4)"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: random.seed(-1), gg.ArgumentError, "the random seed must be in [0, 2**64); got -1"),
        (lambda: random.seed(2**64), gg.ArgumentError, f"the random seed must be in [0, 2**64); got {2**64}"),
        (lambda: random.seed(1.5), gg.ArgumentError, "the random seed must be a whole number; got 1.5"),
        (
            lambda: random.set_state({"seed": 1}),
            gg.ArgumentError,
            """a random state is {"seed": ..., "offset": ...}; got {'seed': 1}""",
        ),
        (
            lambda: random.set_state({"seed": 1, "offset": None}),
            gg.ArgumentError,
            "the random offset must be a whole number; got None",
        ),
        (
            lambda: random.uniform(3, 2.0, 1.0),
            gg.ArgumentError,
            "uniform needs low <= high; got low=2.0, high=1.0",
        ),
        (lambda: random.normal(3, std=-1.0), gg.ArgumentError, "normal needs std >= 0; got -1.0"),
        (
            lambda: random.bernoulli(1.5, 3),
            gg.ArgumentError,
            "bernoulli needs a probability 0 <= p <= 1; got 1.5",
        ),
        (lambda: random.uniform((2, -1)), gg.ShapeError, "a shape has sizes >= 0; got (2, -1)"),
        (
            lambda: random.uniform(2.5),
            gg.ShapeError,
            "a shape is a whole number or a sequence of them; got 2.5",
        ),
        (
            lambda: random.uniform(2, dtype=gg.float16),
            gg.DTypeError,
            "random numbers are drawn as float32 or float64; got float16. Draw float32, then cast.",
        ),
        (
            lambda: random_uniform(gg.tensor([1, 2]), (3,), gg.float32),
            gg.DTypeError,
            "random_uniform needs its state as uint64 [seed, offset]; got int64[2]",
        ),
    ],
)
def test_mistakes_are_answered(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_a_failed_draw_leaves_the_stream_where_it_was():
    random.seed(5)
    with pytest.raises(gg.DTypeError):
        random.uniform(2, dtype=gg.float16)
    assert random.get_state() == {"seed": 5, "offset": 0}


def test_the_op_says_why_it_has_no_derivative():
    op = RandomUniform((2,), gg.float32)
    assert op.name == "random_uniform"
    with pytest.raises(
        gg.GraphError, match="random_uniform has no derivative: its result is drawn, not computed"
    ):
        op.vjp((True,), None, None)
