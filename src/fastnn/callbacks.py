"""What is called while a network learns, under Keras's module name."""

from fastnn.network.callback import Callback, CallbackList, History
from fastnn.network.callbacks import CSVLogger, LambdaCallback, LearningRateScheduler, TerminateOnNaN
from fastnn.network.monitors import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
