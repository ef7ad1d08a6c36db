"""glassgrad: a deep-learning framework you can see through.

Every computation is one graph. Tensors record it; `gg.graph_of` shows it; `backward`, `gg.grad` and `gg.numerical`
differentiate it; `gg.nn`, `gg.optim` and `gg.fit` train with it.
"""

from . import nn as nn
from . import operators as _operators  # binds the methods of Tensor and Graph
from . import optim as optim
from . import random as random
from .autodiff import (
    GradcheckReport as GradcheckReport,
)
from .autodiff import (
    grad as grad,
)
from .autodiff import (
    gradcheck as gradcheck,
)
from .autodiff import (
    graph_of as graph_of,
)
from .autodiff import (
    numerical as numerical,
)
from .autodiff import (
    value_and_grad as value_and_grad,
)
from .autodiff import (
    vjp as vjp,
)
from .errors import (
    ArgumentError as ArgumentError,
)
from .errors import (
    CheckpointError as CheckpointError,
)
from .errors import (
    DataError as DataError,
)
from .errors import (
    DTypeError as DTypeError,
)
from .errors import (
    GlassgradError as GlassgradError,
)
from .errors import (
    GradientMismatch as GradientMismatch,
)
from .errors import (
    GraphError as GraphError,
)
from .errors import (
    NotFiniteError as NotFiniteError,
)
from .errors import (
    ShapeError as ShapeError,
)
from .graph import Graph as Graph
from .graph import Node as Node
from .graph import Op as Op
from .ops import *  # the ops themselves: each family in glassgrad.ops lists its own
from .tensor import Tensor as Tensor
from .tensor import asarray as asarray
from .tensor import no_grad as no_grad
from .tensor import tensor as tensor
from .tensor.dtype import (
    bool_ as bool_,
)
from .tensor.dtype import (
    complex64 as complex64,
)
from .tensor.dtype import (
    complex128 as complex128,
)
from .tensor.dtype import (
    float16 as float16,
)
from .tensor.dtype import (
    float32 as float32,
)
from .tensor.dtype import (
    float64 as float64,
)
from .tensor.dtype import (
    int8 as int8,
)
from .tensor.dtype import (
    int16 as int16,
)
from .tensor.dtype import (
    int32 as int32,
)
from .tensor.dtype import (
    int64 as int64,
)
from .tensor.dtype import (
    uint8 as uint8,
)
from .tensor.dtype import (
    uint16 as uint16,
)
from .tensor.dtype import (
    uint32 as uint32,
)
from .tensor.dtype import (
    uint64 as uint64,
)

e, inf, nan, newaxis, pi = 2.718281828459045, float("inf"), float("nan"), None, 3.141592653589793

__version__ = "0.1.0"
