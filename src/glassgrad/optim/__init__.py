"""Optimizers: how parameters follow their gradients. Names, arguments and formulas are PyTorch's."""

from . import lr_scheduler as lr_scheduler
from .adam import Adam as Adam
from .adamw import AdamW as AdamW
from .optimizer import Optimizer as Optimizer, missing_parameters as missing_parameters
from .sgd import SGD as SGD
