"""glassgrad: a deep-learning framework you can see through.

Every computation is one graph. Tensors record it; `gg.graph_of` shows it; `backward`, `gg.grad` and `gg.numerical`
differentiate it; `gg.nn`, `gg.optim` and `gg.fit` train with it.
"""

from typing import TYPE_CHECKING

from . import (
    imported as _imported,  # first, because it looks at the clock
    nn as nn,
    operators as _operators,  # binds the methods of Tensor and Graph
    optim as optim,
    random as random,
)
from .autodiff import (
    GradcheckReport as GradcheckReport,
    checkpoint as checkpoint,
    cond as cond,
    custom_jvp as custom_jvp,
    custom_vjp as custom_vjp,
    grad as grad,
    gradcheck as gradcheck,
    graph_of as graph_of,
    hessian as hessian,
    hvp as hvp,
    jacobian as jacobian,
    jvp as jvp,
    numerical as numerical,
    scan as scan,
    value_and_grad as value_and_grad,
    vjp as vjp,
    vmap as vmap,
    while_loop as while_loop,
)
from .autodiff.trace import Spec as Spec, trace as trace
from .errors import (
    ArgumentError as ArgumentError,
    CheckpointError as CheckpointError,
    CompiledMismatch as CompiledMismatch,
    DataError as DataError,
    DTypeError as DTypeError,
    ExchangeError as ExchangeError,
    GlassgradError as GlassgradError,
    GradientMismatch as GradientMismatch,
    GraphError as GraphError,
    NotFiniteError as NotFiniteError,
    ShapeError as ShapeError,
)
from .graph import Graph as Graph, Node as Node, Op as Op
from .ops import *  # the ops themselves: each family in glassgrad.ops lists its own
from .ops import fourier as _fourier
from .tensor import Tensor as Tensor, asarray as asarray, no_grad as no_grad, tensor as tensor
from .tensor.dlpack import from_dlpack as from_dlpack
from .tensor.dtype import (
    bool_ as bool,
    bool_ as bool_,
    complex64 as complex64,
    complex128 as complex128,
    float16 as float16,
    float32 as float32,
    float64 as float64,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
)

e, inf, nan, newaxis, pi = 2.718281828459045, float("inf"), float("nan"), None, 3.141592653589793

fft = _fourier

__version__ = "0.1.0"
__array_api_version__ = "2024.12"

if TYPE_CHECKING:
    from . import data as data, io as io, train as train
    from .autodiff import symbolic as symbolic
    from .autodiff.checking.compare import compare_gradients as compare_gradients
    from .autodiff.flat import flat_code as flat_code
    from .compiler import (
        compile as compile,
        get_num_threads as get_num_threads,
        set_num_threads as set_num_threads,
    )
    from .ops import linalg as linalg
    from .train.early_stopping import EarlyStopping as EarlyStopping
    from .train.fit import fit as fit
    from .train.history import History as History
else:
    _FROM_COMPILER = ("compile", "get_num_threads", "set_num_threads")
    _FROM_TRAIN = ("EarlyStopping", "History", "fit")

    def __getattr__(name):
        """Import what reads and writes files, and what trains, when it is first used."""
        from importlib import import_module

        if name in ("data", "io", "train"):
            return import_module(f".{name}", __name__)
        if name == "symbolic":
            return import_module(".autodiff.symbolic", __name__)
        if name == "compare_gradients":
            return import_module(".autodiff.checking.compare", __name__).compare_gradients
        if name in _FROM_COMPILER:
            return getattr(import_module(".compiler", __name__), name)
        if name == "flat_code":
            return import_module(".autodiff.flat", __name__).flat_code
        if name == "linalg":
            globals()[name] = import_module(".ops.linalg", __name__)
            return globals()[name]
        if name in _FROM_TRAIN:
            return getattr(import_module(".train", __name__), name)
        from .tensor.habits import no_function

        return no_function(name)

    def __dir__():
        return sorted(
            {
                *globals(),
                "compare_gradients",
                "data",
                "flat_code",
                "io",
                "linalg",
                "symbolic",
                "train",
                *_FROM_COMPILER,
                *_FROM_TRAIN,
            }
        )
