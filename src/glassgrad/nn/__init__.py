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
from .container import ModuleList as ModuleList
from .container import Sequential as Sequential
from .dropout import Dropout as Dropout
from .flatten import Flatten as Flatten
from .identity import Identity as Identity
from .linear import Linear as Linear
from .module import Module as Module
from .parameter import Buffer as Buffer
from .parameter import Parameter as Parameter
