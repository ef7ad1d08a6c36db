"""Training: `fit` and what it uses and returns."""

from __future__ import annotations

from .callbacks import Callback, LearningRateSchedule
from .checkpoints import restore_model
from .early_stopping import EarlyStopping
from .evaluate import accuracy, evaluate, predict
from .fit import fit
from .history import History
from .training import Training

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "LearningRateSchedule",
    "Training",
    "accuracy",
    "evaluate",
    "fit",
    "predict",
    "restore_model",
]
