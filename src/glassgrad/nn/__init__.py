"""Neural networks: parameters, modules, layers and losses. Names, arguments and layouts are PyTorch's."""

from . import functional as functional
from .activation import ELU as ELU
from .activation import LeakyReLU as LeakyReLU
from .activation import LogSoftmax as LogSoftmax
from .activation import ReLU as ReLU
from .activation import Sigmoid as Sigmoid
from .activation import Softmax as Softmax
from .activation import Softplus as Softplus
from .activation import Tanh as Tanh
from .binary_cross_entropy import BCELoss as BCELoss
from .binary_cross_entropy import BCEWithLogitsLoss as BCEWithLogitsLoss
from .container import ModuleList as ModuleList
from .container import Sequential as Sequential
from .criterion import Criterion as Criterion
from .cross_entropy import CrossEntropyLoss as CrossEntropyLoss
from .cross_entropy import NLLLoss as NLLLoss
from .dropout import Dropout as Dropout
from .flatten import Flatten as Flatten
from .identity import Identity as Identity
from .linear import Linear as Linear
from .margin import MultiMarginLoss as MultiMarginLoss
from .module import Module as Module
from .parameter import Buffer as Buffer
from .parameter import Parameter as Parameter
from .regression import L1Loss as L1Loss
from .regression import MSELoss as MSELoss
