"""Neural networks: parameters, modules, layers and losses. Names, arguments and layouts are PyTorch's."""

from . import functional as functional, init as init
from .activation import (
    ELU as ELU,
    LeakyReLU as LeakyReLU,
    LogSoftmax as LogSoftmax,
    ReLU as ReLU,
    Sigmoid as Sigmoid,
    Softmax as Softmax,
    Softplus as Softplus,
    Tanh as Tanh,
)
from .binary_cross_entropy import BCELoss as BCELoss, BCEWithLogitsLoss as BCEWithLogitsLoss
from .container import ModuleList as ModuleList, Sequential as Sequential
from .criterion import Criterion as Criterion
from .cross_entropy import CrossEntropyLoss as CrossEntropyLoss, NLLLoss as NLLLoss
from .dropout import Dropout as Dropout
from .flatten import Flatten as Flatten
from .functional_call import functional_call as functional_call
from .identity import Identity as Identity
from .linear import Linear as Linear
from .margin import MultiMarginLoss as MultiMarginLoss
from .module import Module as Module
from .parameter import Buffer as Buffer, Parameter as Parameter
from .regression import L1Loss as L1Loss, MSELoss as MSELoss
