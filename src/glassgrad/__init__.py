"""glassgrad: a deep-learning framework you can see through.

Every computation is one graph. Tensors record it; `gg.graph_of` shows it; `backward`, `gg.grad` and `gg.numerical`
differentiate it; `gg.nn`, `gg.optim` and `gg.fit` train with it.
"""

from . import operators as _operators  # binds the methods of Tensor and Graph
from .autodiff import GradcheckReport, grad, gradcheck, numerical, value_and_grad, vjp
from .errors import (
    ArgumentError,
    CheckpointError,
    DataError,
    DTypeError,
    GlassgradError,
    GradientMismatch,
    GraphError,
    NotFiniteError,
    ShapeError,
)
from .graph import Graph, Node, Op
from .ops import linalg
from .ops.activation import elu, leaky_relu, log_softmax, relu, softmax
from .ops.arithmetic import (
    abs,
    add,
    ceil,
    clip,
    divide,
    floor,
    maximum,
    minimum,
    multiply,
    negative,
    positive,
    pow,
    reciprocal,
    remainder,
    round,
    sign,
    square,
    subtract,
    trunc,
)
from .ops.compare import (
    equal,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    not_equal,
    where,
)
from .ops.contract import matmul, outer, vecdot
from .ops.create import arange, empty, eye, full, full_like, linspace, ones, ones_like, zeros, zeros_like
from .ops.exponential import exp, expm1, log, log1p, log2, log10, logaddexp, sigmoid, softplus, sqrt
from .ops.index import one_hot, take, take_along_axis
from .ops.reduce import all, any, argmax, argmin, logsumexp, max, mean, min, prod, std, sum, var
from .ops.shape import (
    astype,
    broadcast_to,
    concat,
    expand_dims,
    flatten,
    flip,
    matrix_transpose,
    moveaxis,
    pad,
    permute_dims,
    reshape,
    squeeze,
    stack,
    stop_gradient,
)
from .ops.sort import argsort, sort, tril, triu
from .ops.trigonometric import acos, asin, atan, atan2, cos, cosh, sin, sinh, tan, tanh
from .tensor import Tensor, asarray, no_grad, tensor
from .tensor.dtype import (
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from .autodiff.view import graph_of

e, inf, nan, newaxis, pi = 2.718281828459045, float("inf"), float("nan"), None, 3.141592653589793

__version__ = "0.1.0"
