"""Habits: names that people bring along from PyTorch and NumPy, and what to write here instead."""

from __future__ import annotations

from typing import NoReturn

ON_THE_CPU = "leave it out, because glassgrad computes on the CPU"

METHODS = {
    "bool": "x.astype(gg.bool_)",
    "clone": "x itself, because a tensor never changes",
    "copy": "x itself, because a tensor never changes",
    "data": "x.detach()",
    "dim": "x.ndim",
    "double": "x.astype(gg.float64)",
    "element_size": "x.dtype.itemsize",
    "float": "x.astype(gg.float32)",
    "half": "x.astype(gg.float16)",
    "int": "x.astype(gg.int32)",
    "long": "x.astype(gg.int64)",
    "nelement": "x.size",
    "numel": "x.size",
    "requires_grad_": "gg.tensor(x, requires_grad=True)",
    "t": "x.T",
    "transpose": "x.T, x.mT for the last two axes, or gg.permute_dims(x, axes)",
    "zero_": "x.grad = None, or optimizer.zero_grad()",
}
"""Attributes of PyTorch's tensors and NumPy's arrays, and what to write instead."""

FUNCTIONS = {
    "FloatTensor": "gg.tensor(data)",
    "LongTensor": "gg.tensor(data)",
    "absolute": "gg.abs(x)",
    "amax": "gg.max(x, axis=axis)",
    "amin": "gg.min(x, axis=axis)",
    "argwhere": "gg.stack(gg.nonzero(x), axis=1)",
    "array": "gg.tensor(data)",
    "as_tensor": "gg.asarray(data)",
    "average": "gg.mean(x)",
    "bmm": "x @ y",
    "bool": "gg.bool_",
    "cat": "gg.concat([x, y], axis=0)",
    "clamp": "gg.clip(x, low, high)",
    "concatenate": "gg.concat([x, y], axis=0)",
    "cumprod": "gg.cumulative_prod(x, axis=axis)",
    "cumsum": "gg.cumulative_sum(x, axis=axis)",
    "div": "x / y",
    "dot": "x @ y",
    "double": "gg.float64",
    "eq": "x == y",
    "expand": "gg.broadcast_to(x, shape)",
    "float": "gg.float32",
    "from_numpy": "gg.asarray(array)",
    "gather": "gg.take_along_axis(x, indices, axis=axis)",
    "ge": "x >= y",
    "gt": "x > y",
    "half": "gg.float16",
    "hstack": "gg.concat([x, y], axis=1)",
    "index_add": "x.at[indices].add(values)",
    "index_select": "gg.take(x, indices, axis=axis)",
    "inner": "x @ y",
    "int": "gg.int32",
    "le": "x <= y",
    "load": "arrays, metadata = gg.io.load_arrays(path), then model.load_state_dict(arrays)",
    "long": "gg.int64",
    "lt": "x < y",
    "manual_seed": "gg.random.seed(n)",
    "masked_fill": "gg.where(mask, value, x)",
    "mm": "x @ y",
    "movedim": "gg.moveaxis(x, source, destination)",
    "mul": "x * y",
    "mv": "x @ y",
    "ne": "x != y",
    "neg": "-x",
    "normal": "gg.random.normal(shape)",
    "percentile": "gg.quantile(x, percent / 100)",
    "permute": "gg.permute_dims(x, axes)",
    "power": "x ** y",
    "put_along_axis": "gg.scatter(x, indices, values, axis=axis)",
    "rand": "gg.random.uniform(shape)",
    "randn": "gg.random.normal(shape)",
    "randperm": "gg.random.permutation(n)",
    "ravel": "gg.flatten(x)",
    "repeat_interleave": "gg.repeat(x, repeats, axis=axis)",
    "save": "gg.io.save_arrays(path, model.state_dict())",
    "sub": "x - y",
    "swapaxes": "gg.permute_dims(x, axes)",
    "topk": "gg.top_k(x, k, axis=axis)",
    "transpose": "gg.permute_dims(x, axes)",
    "true_divide": "x / y",
    "unbind": "gg.unstack(x, axis=axis)",
    "unique": "gg.unique_values(x)",
    "unsqueeze": "gg.expand_dims(x, axis)",
    "view": "x.reshape(shape)",
    "vstack": "gg.concat([x, y], axis=0)",
}
"""Functions of PyTorch and NumPy, most of them methods as well, and what to write instead."""

OF_DEVICES = ("cpu", "cuda", "device", "pin_memory", "to")


def instead_of(name: str) -> str:
    """What to write for NumPy's function `name`; "" if there is nothing of the kind.

    >>> instead_of("sum"), instead_of("concatenate"), instead_of("i0")
    ('gg.sum(x)', 'gg.concat([x, y], axis=0)', '')
    """
    return f"gg.{name}(x)" if _is_function(name) else FUNCTIONS.get(name, "")


def no_attribute(name: str) -> str:
    """The message for an attribute that tensors do not have.

    >>> no_attribute("unsqueeze")
    "a tensor has no 'unsqueeze': write gg.expand_dims(x, axis)"
    """
    if name in OF_DEVICES:
        return f"a tensor has no {name!r}: {ON_THE_CPU}"
    instead = METHODS.get(name) or FUNCTIONS.get(name)
    if instead:
        return f"a tensor has no {name!r}: write {instead}"
    if name.startswith("_"):
        return f"a tensor has no attribute {name!r}"
    if name.endswith("_"):
        return f"tensors never change, so there is no in-place {name}(): assign the result, x = ..."
    if _is_function(name):
        return f"a tensor has no method {name!r}: call the function gg.{name}(x)"
    return f"a tensor has no attribute {name!r}"


def no_function(name: str) -> NoReturn:
    """Raise the AttributeError for a name that the module `glassgrad` does not have."""
    import glassgrad

    message = f"glassgrad has no {name!r}"
    if name in OF_DEVICES:
        message += f": {ON_THE_CPU}"
    elif name in FUNCTIONS:
        message += f": write {FUNCTIONS[name]}"
    raise AttributeError(message, name=name, obj=glassgrad)


def _is_function(name: str) -> bool:
    import glassgrad

    return callable(vars(glassgrad).get(name))
