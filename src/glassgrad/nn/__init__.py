"""Neural networks: parameters, modules, layers and losses. Names, arguments and layouts are PyTorch's."""

from . import functional as functional, init as init
from .activation import (
    ELU as ELU,
    GELU as GELU,
    LeakyReLU as LeakyReLU,
    LogSoftmax as LogSoftmax,
    ReLU as ReLU,
    Sigmoid as Sigmoid,
    SiLU as SiLU,
    Softmax as Softmax,
    Softplus as Softplus,
    Tanh as Tanh,
)
from .binary_cross_entropy import BCELoss as BCELoss, BCEWithLogitsLoss as BCEWithLogitsLoss
from .container import ModuleList as ModuleList, Sequential as Sequential
from .convolution import Conv1d as Conv1d, Conv2d as Conv2d, Conv3d as Conv3d
from .criterion import Criterion as Criterion
from .cross_entropy import CrossEntropyLoss as CrossEntropyLoss, NLLLoss as NLLLoss
from .dropout import Dropout as Dropout
from .embedding import Embedding as Embedding
from .flatten import Flatten as Flatten
from .functional_call import functional_call as functional_call
from .identity import Identity as Identity
from .linear import Linear as Linear
from .margin import MultiMarginLoss as MultiMarginLoss
from .module import Module as Module
from .multihead_attention import MultiheadAttention as MultiheadAttention
from .normalization import LayerNorm as LayerNorm
from .parameter import Buffer as Buffer, Parameter as Parameter
from .pooling import (
    AvgPool1d as AvgPool1d,
    AvgPool2d as AvgPool2d,
    AvgPool3d as AvgPool3d,
    MaxPool1d as MaxPool1d,
    MaxPool2d as MaxPool2d,
    MaxPool3d as MaxPool3d,
)
from .recurrent import LSTM as LSTM, LSTMCell as LSTMCell
from .regression import L1Loss as L1Loss, MSELoss as MSELoss
