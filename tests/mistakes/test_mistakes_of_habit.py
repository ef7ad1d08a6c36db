"""Habits from PyTorch, NumPy and Python: names that are others here, and values that never change."""

import pytest
from mistake import Mistake

import glassgrad as gg


def renamed(name: str, program: str, says: str, cure: dict[str, str], then: str = "") -> Mistake:
    """A name that glassgrad does not have; the message says what to write."""
    return Mistake(name, program, cure, says, AttributeError, then=then)


MISTAKES = [
    renamed(
        "view",
        "y = gg.ones((2, 3)).view(6)",
        "a tensor has no 'view': write x.reshape(shape)",
        {"view(6)": "reshape(6)"},
    ),
    renamed(
        "unsqueeze",
        "y = gg.ones(3).unsqueeze(0)",
        "a tensor has no 'unsqueeze': write gg.expand_dims(x, axis)",
        {"gg.ones(3).unsqueeze(0)": "gg.expand_dims(gg.ones(3), 0)"},
        "assert y.shape == (1, 3)",
    ),
    renamed(
        "permute",
        "y = gg.ones((2, 3, 4)).permute(2, 0, 1)",
        "a tensor has no 'permute': write gg.permute_dims(x, axes)",
        {"gg.ones((2, 3, 4)).permute(2, 0, 1)": "gg.permute_dims(gg.ones((2, 3, 4)), (2, 0, 1))"},
        "assert y.shape == (4, 2, 3)",
    ),
    renamed(
        "transpose",
        "y = gg.ones((2, 3)).transpose(0, 1)",
        "a tensor has no 'transpose': write x.T, x.mT for the last two axes, or gg.permute_dims(x, axes)",
        {".transpose(0, 1)": ".T"},
    ),
    renamed(
        "numel",
        "n = gg.ones((2, 3)).numel()",
        "a tensor has no 'numel': write x.size",
        {"numel()": "size"},
        "assert n == 6",
    ),
    renamed(
        "float",
        "y = gg.tensor([1, 2]).float()",
        "a tensor has no 'float': write x.astype(gg.float32)",
        {".float()": ".astype(gg.float32)"},
    ),
    renamed(
        "clone",
        "x = gg.ones(3)\ny = x.clone()",
        "a tensor has no 'clone': write x itself, because a tensor never changes",
        {".clone()": ""},
    ),
    renamed(
        "cuda",
        "x = gg.ones(3).cuda()",
        "a tensor has no 'cuda': leave it out, because glassgrad computes on the CPU",
        {".cuda()": ""},
    ),
    renamed(
        "to",
        'x = gg.ones(3).to("cuda")',
        "a tensor has no 'to': leave it out, because glassgrad computes on the CPU",
        {'.to("cuda")': ""},
    ),
    renamed(
        "cpu",
        "x = gg.ones(3).cpu().numpy()",
        "a tensor has no 'cpu': leave it out, because glassgrad computes on the CPU",
        {".cpu()": ""},
    ),
    renamed(
        "a model on a GPU",
        'model = nn.Linear(2, 1).to("cuda")',
        "Linear has no 'to': leave it out, because glassgrad computes on the CPU",
        {'.to("cuda")': ""},
    ),
    renamed(
        "a method that is a function",
        "y = gg.ones(3).exp()",
        "a tensor has no method 'exp': call the function gg.exp(x)",
        {"gg.ones(3).exp()": "gg.exp(gg.ones(3))"},
    ),
    renamed(
        "an in-place method",
        "x = gg.ones(3)\nx.add_(1.0)",
        "tensors never change, so there is no in-place add_(): assign the result, x = ...",
        {"x.add_(1.0)": "x = x + 1.0"},
    ),
    renamed(
        "zeroing a gradient in place",
        """
        w = nn.Parameter(1.0)
        (w * w).backward()
        w.grad.zero_()
        """,
        "a tensor has no 'zero_': write x.grad = None, or optimizer.zero_grad()",
        {"w.grad.zero_()": "w.grad = None"},
    ),
    renamed(
        "cat",
        "y = gg.cat([gg.ones(2), gg.ones(3)])",
        "glassgrad has no 'cat': write gg.concat([x, y], axis=0)",
        {"gg.cat": "gg.concat"},
    ),
    renamed(
        "array",
        "x = gg.array([1.0, 2.0])",
        "glassgrad has no 'array': write gg.tensor(data)",
        {"gg.array": "gg.tensor"},
    ),
    renamed(
        "from_numpy",
        "x = gg.from_numpy(np.ones(3))",
        "glassgrad has no 'from_numpy': write gg.asarray(array)",
        {"gg.from_numpy": "gg.asarray"},
    ),
    renamed(
        "randn",
        "x = gg.randn(2, 3)",
        "glassgrad has no 'randn': write gg.random.normal(shape)",
        {"gg.randn(2, 3)": "gg.random.normal((2, 3))"},
    ),
    renamed(
        "manual_seed",
        "gg.manual_seed(0)",
        "glassgrad has no 'manual_seed': write gg.random.seed(n)",
        {"gg.manual_seed": "gg.random.seed"},
    ),
    renamed(
        "a dtype of PyTorch",
        "x = gg.zeros(3, dtype=gg.float)",
        "glassgrad has no 'float': write gg.float32",
        {"gg.float": "gg.float32"},
    ),
    renamed(
        "the class instead of the function",
        "x = gg.Tensor([1.0, 2.0])\ny = 2 * x",
        "a tensor is not made by gg.Tensor(list): write gg.tensor(data)",
        {"gg.Tensor": "gg.tensor"},
    ),
    Mistake(
        "an element set",
        """
        x = gg.zeros(3)
        x[0] = 1.0
        """,
        error=gg.DTypeError,
        says=(
            "tensors never change: write x = x.at[index].set(value), or .add(value), for a new one (at "
            "train.py:2)"
        ),
        cure={"x[0] = 1.0": "x = x.at[0].set(1.0)"},
        then="assert x.tolist() == [1.0, 0.0, 0.0]",
    ),
    Mistake(
        "an element increased",
        """
        counts = gg.zeros(3)
        for label in (0, 2, 0):
            counts[label] += 1.0
        """,
        error=gg.DTypeError,
        says=(
            "tensors never change: write x = x.at[index].set(value), or .add(value), for a new one (at "
            "train.py:3)"
        ),
        cure={"counts[label] += 1.0": "counts = counts.at[label].add(1.0)"},
        then="assert counts.tolist() == [2.0, 0.0, 1.0]",
    ),
    Mistake(
        "if with a tensor of many numbers",
        """
        x = gg.tensor([-1.0, 2.0])
        if x > 0:
            y = x
        """,
        error=gg.GraphError,
        says=(
            "the truth value of a tensor of shape (2,) is ambiguous: use gg.any(x) or gg.all(x) for one "
            "answer, gg.where(x > 0, a, b) to choose element by element, gg.logical_and for `and` and a < x "
            "< b (at train.py:2)"
        ),
        cure={"if x > 0:": "if gg.any(x > 0):"},
    ),
    Mistake(
        "if element by element",
        """
        def relu(x):
            return x if x > 0 else 0.0

        y = relu(gg.tensor([-1.0, 2.0]))
        """,
        error=gg.GraphError,
        says=(
            "the truth value of a tensor of shape (2,) is ambiguous: use gg.any(x) or gg.all(x) for one "
            "answer, gg.where(x > 0, a, b) to choose element by element, gg.logical_and for `and` and a < x "
            "< b (at train.py:2)"
        ),
        cure={"x if x > 0 else 0.0": "gg.where(x > 0, x, 0.0)"},
        then="assert y.tolist() == [0.0, 2.0]",
    ),
    Mistake(
        "two comparisons in a row",
        """
        x = gg.tensor([-1.0, 2.0, 5.0])
        inside = 0 < x < 3
        """,
        error=gg.GraphError,
        says=(
            "the truth value of a tensor of shape (3,) is ambiguous: use gg.any(x) or gg.all(x) for one "
            "answer, gg.where(x > 0, a, b) to choose element by element, gg.logical_and for `and` and a < x "
            "< b (at train.py:2)"
        ),
        cure={"0 < x < 3": "gg.logical_and(0 < x, x < 3)"},
        then="assert inside.tolist() == [False, True, False]",
    ),
    Mistake(
        "Python's max of tensors",
        """
        larger = max(gg.tensor([1.0, 4.0]), gg.tensor([3.0, 2.0]))
        """,
        error=gg.GraphError,
        says=(
            "the truth value of a tensor of shape (2,) is ambiguous: use gg.any(x) or gg.all(x) for one "
            "answer, gg.where(x > 0, a, b) to choose element by element, gg.logical_and for `and` and a < x "
            "< b (at train.py:1)"
        ),
        cure={"max(": "gg.maximum("},
        then="assert larger.tolist() == [3.0, 4.0]",
    ),
    Mistake(
        "float of many numbers",
        """
        losses = gg.tensor([0.5, 1.5])
        loss = float(losses)
        """,
        error=gg.GraphError,
        says=(
            "only a tensor with one element is a number; got shape (2,). Reduce it first, for example "
            "x.mean(); x.tolist() gives all elements. (at train.py:2)"
        ),
        cure={"float(losses)": "float(losses.mean())"},
        then="assert loss == 1.0",
    ),
    Mistake(
        "a loop over a single number",
        """
        loss = gg.tensor(0.5)
        losses = [float(x) for x in loss]
        """,
        error=gg.DTypeError,
        says=(
            "a tensor without axes is a single number: it has no length and nothing to loop over. x.item() "
            "gives the number. (at train.py:2)"
        ),
        cure={"[float(x) for x in loss]": "[loss.item()]"},
        then="assert losses == [0.5]",
    ),
    Mistake(
        "a function of math",
        """
        import math

        x = gg.tensor([0.0, 1.0])
        y = math.exp(x)
        """,
        error=gg.GraphError,
        says=(
            "only a tensor with one element is a number; got shape (2,). Reduce it first, for example "
            "x.mean(); x.tolist() gives all elements. (at train.py:4)"
        ),
        cure={"math.exp(x)": "gg.exp(x)"},
    ),
    Mistake(
        "a function of NumPy on a variable",
        """
        w = gg.tensor([1.0, 2.0], requires_grad=True)
        loss = np.mean(w)
        """,
        error=gg.GraphError,
        says=(
            "np.mean would cut this tensor, which requires a gradient, off its graph: write gg.mean(x), or "
            "x.numpy() if no gradient is meant to flow (at train.py:2)"
        ),
        cure={"np.mean": "gg.mean"},
        then="assert loss.requires_grad",
    ),
    Mistake(
        "a function of NumPy with another name here",
        """
        w = gg.tensor([1.0, 2.0], requires_grad=True)
        both = np.concatenate([w, w])
        """,
        error=gg.GraphError,
        says=(
            "np.concatenate would cut this tensor, which requires a gradient, off its graph: write "
            "gg.concat([x, y], axis=0), or x.numpy() if no gradient is meant to flow (at train.py:2)"
        ),
        cure={"np.concatenate": "gg.concat"},
        then="assert both.requires_grad",
    ),
    Mistake(
        "a function of NumPy that glassgrad lacks",
        """
        x = gg.tensor([1.0, 8.0])
        y = np.cbrt(x)
        """,
        error=gg.DTypeError,
        says=(
            "np.cbrt does not work on tensors, and glassgrad has no such function: outside the graph, "
            "np.cbrt(x.numpy()) does (at train.py:2)"
        ),
        cure={"np.cbrt(x)": "np.cbrt(x.numpy())"},
    ),
    Mistake(
        "the array of a variable",
        """
        w = gg.tensor([1.0, 2.0], requires_grad=True)
        values = np.array(w)
        """,
        error=gg.GraphError,
        says=(
            "NumPy asked for the array inside a tensor that requires a gradient, which would silently cut "
            "the graph. Use the function of the same name in gg (gg.sum, gg.exp ...), or x.numpy() if no "
            "gradient is meant to flow. (at train.py:2)"
        ),
        cure={"np.array(w)": "w.numpy()"},
        then="assert values.tolist() == [1.0, 2.0]",
    ),
    Mistake(
        "a tensor added into an array",
        """
        total = np.zeros(2)
        total += gg.tensor([1.0, 2.0])
        """,
        error=gg.DTypeError,
        says=(
            "a NumPy array cannot take in a tensor in place: write a = a + x for a tensor, a += x.numpy() "
            "for an array (at train.py:2)"
        ),
        cure={"total += gg.tensor([1.0, 2.0])": "total += gg.tensor([1.0, 2.0]).numpy()"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_habits(mistake: Mistake) -> None:
    mistake.check()
