"""Sequential: a network as a list of layers, with Keras 3's methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, SupportsIndex

from fastnn import arguments
from fastnn.network import compiling, data, evaluating, fitting, layers
from fastnn.network.layer import checked_shape
from fastnn.network.stack import LayerStack

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, DTypeLike

    from fastnn.arrays import Array
    from fastnn.network.builder import Blueprint
    from fastnn.network.callback import Callback, CallbackList, History
    from fastnn.network.compiling import Compilation, Trainer
    from fastnn.network.layer import Layer
    from fastnn.network.losses import Loss
    from fastnn.network.optimizers import Optimizer


# The default of predict's verbose: as quick to tell as None.
_SILENT = 0


class Sequential(LayerStack):
    """A network as a list of layers.

    It is built, and has weights, as soon as the shape of the samples is known: from the first layer's input_shape, from
    build, or from the first samples. Its random numbers come from one generator of its own: the initial weights in the
    order of the layers, then the seed of the dropout masks, then a shuffle for every epoch.

    Adding to or popping from a network that has weights keeps the others' weights; it has to be compiled again.

    Args:
        layers: a list of layers, or None.
        name: of the model; None makes one such as "sequential_1".
        dtype: "float32" or "float64", of weights, activations and results.
        backend: a name of fastnn.available_backends(); None takes the one in use when the network gets its weights.
        engine: "auto" runs whole steps in C++ where the network allows it, "native" insists on that, "generic" calls
            the backend's operations one by one.
        seed: of the model's random numbers; None takes the next one of the process, see fastnn.set_random_seed.

    Attributes:
        name: str.
        dtype: numpy.dtype.
        stop_training: set to True by a callback, it ends fit after the batch or the epoch.
        history: the History of the last fit, or None.

    Raises:
        TypeError: an argument is of a wrong type.
        ValueError: layers do not chain, a name is there twice, or an argument has a wrong value.
    """

    def __init__(
        self,
        layers: Iterable[Layer] | None = None,
        name: str | None = None,
        *,
        dtype: DTypeLike = "float32",
        backend: str | None = None,
        engine: str = "auto",
        seed: int | None = None,
    ) -> None:
        self.stop_training = False
        self.history: History | None = None
        self._compilation: Compilation | None = None
        self._trainer: Trainer | None = None
        super().__init__(layers, name, dtype, backend, engine, seed)

    def compile(
        self,
        optimizer: str | Optimizer | Mapping[str, Any] = "rmsprop",
        loss: str | Loss | None = None,
        metrics: Sequence[object] | None = None,
        weighted_metrics: Sequence[object] | None = None,
        *,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: str | bool = "auto",
    ) -> None:
        """Says how to learn. The optimizer's states and its count of steps start anew.

        Args:
            optimizer: a name such as "adam", or an object of fastnn.optimizers.
            loss: a name such as "mse", or an object of fastnn.losses; None for a network that only predicts.
            metrics: names such as "accuracy", or objects of fastnn.metrics; they ignore the samples' weights.
            weighted_metrics: the same, with the samples' weights.
            run_eagerly, steps_per_execution, jit_compile: for Keras's scripts; they have no effect here.

        Raises:
            TypeError: an argument is of a wrong type.
            ValueError: a name is unknown, or does not fit the network.
            RuntimeError: a call trains the model.
        """
        if self._trainer is not None:
            self._trainer.require_idle()
        compilation = compiling.compilation(optimizer, loss, metrics, weighted_metrics)
        trainer = self._trainer_of(compilation) if self.built else None
        self._compilation, self._trainer = compilation, trainer

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer given to compile, or None."""
        return self._compilation.optimizer if self._compilation else None

    @property
    def loss(self) -> Loss | None:
        """The loss given to compile, or None."""
        return self._compilation.loss if self._compilation else None

    @property
    def metrics_names(self) -> list[str]:
        """The names of what evaluate returns; [] before the model is compiled and built."""
        return list(self._trainer.tracker.names) if self._trainer else []

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Callback | CallbackList | Iterable[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Sequence[Any] | None = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: ArrayLike | None = None,
        initial_epoch: int = 0,
        steps_per_epoch: None = None,
        validation_steps: None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        *,
        check_finite: bool = False,
    ) -> History:
        """Learns from samples.

        x is never copied if it is a C-contiguous array of float32, float64 or uint8.

        Args:
            x: samples, shape (N, *input shape).
            y: targets, as the loss wants them: class indices (N,), or shape (N, *output shape).
            batch_size: rows of a batch, 32 by default; N for batch gradient descent, 1 for single samples.
            epochs: number of the last epoch.
            verbose: 0 silent, 1 or "auto" a bar (with rich, on a terminal) or a line an epoch, 2 a line an epoch.
            callbacks: objects of fastnn.callbacks.
            validation_split: the share of the rows, the last ones before shuffling, that is held out and evaluated
                after every epoch.
            validation_data: (x, y) or (x, y, sample_weight), evaluated after every epoch; takes the place of
                validation_split.
            shuffle: whether to draw a new order of the rows for every epoch.
            class_weight: class -> factor of the loss of its rows.
            sample_weight: factor of the loss of each row, shape (N,). The mean is over the rows, not over the factors.
            initial_epoch: where to begin, to go on with an earlier training.
            steps_per_epoch, validation_steps: must be None: an epoch and a validation are all rows once.
            validation_batch_size: rows of a batch of the validation; batch_size by default.
            validation_freq: validate every so many epochs, or in these (counted from 1).
            check_finite: whether to refuse samples that hold nan or inf.

        Returns:
            A History: history["loss"], history["accuracy"], history["val_loss"] ... have one value for each epoch.

        Raises:
            TypeError: an argument is of a wrong type.
            ValueError: a shape or a value is wrong, x is empty, or the model is not compiled.
            IndexError: a class index is out of range.
            RuntimeError: another call trains the model.
        """
        options = fitting.options(
            batch_size, epochs, initial_epoch, shuffle, verbose, validation_batch_size, validation_freq
        )
        for name, steps in (("steps_per_epoch", steps_per_epoch), ("validation_steps", validation_steps)):
            if steps is not None:
                raise ValueError(f"{name} must be None: all rows are taken once; pass fewer rows")
        finite = arguments.flag(check_finite, "check_finite")
        share = arguments.real_in(validation_split, "validation_split", 0.0, 1.0, below=True)
        held_out: Sequence[Any] | None = None
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
                raise TypeError("validation_data must be (x, y) or (x, y, sample_weight)")
            held_out = validation_data
        elif share:
            kept, held_out = data.split_validation(share, x, y, sample_weight)
            x, y, sample_weight = kept
        trainer = self._trainer_for(x)
        samples = data.labelled(x, y, trainer.plan, trainer.loss, sample_weight, class_weight)
        validation = None
        if held_out is not None:
            validation = data.labelled(
                held_out[0],
                held_out[1],
                trainer.plan,
                trainer.loss,
                held_out[2] if len(held_out) == 3 else None,
                prefix="validation ",
            )
        if finite:
            data.require_finite(samples.x, "x")
            if validation is not None:
                data.require_finite(validation.x, "validation x")
        with trainer.learning():
            return fitting.fit(self, trainer, samples, validation, callbacks, options, self._rng)

    def evaluate(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: ArrayLike | None = None,
        callbacks: Callback | CallbackList | Iterable[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics of samples, without learning from them. Arguments as for fit.

        Returns:
            The loss; with metrics a list of the loss and the metrics; with return_dict a dict of them by name.

        Raises:
            TypeError, ValueError, IndexError: as fit.
        """
        size, as_dict = fitting.checked_batch_size(batch_size), arguments.flag(return_dict, "return_dict")
        trainer = self._trainer_for(x)
        samples = data.labelled(x, y, trainer.plan, trainer.loss, sample_weight)
        return _answer(evaluating.shown(self, trainer, samples, size, callbacks, verbose), as_dict)

    def train_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Does one step on these rows.

        Returns:
            The loss (and metrics) of this batch alone, before the step, in the form of evaluate. (Keras 3 returns means
            over all the batches since the metrics were last reset.)

        Raises:
            TypeError, ValueError, IndexError: as fit.
        """
        trainer = self._trainer_for(x)
        samples = data.labelled(x, y, trainer.plan, trainer.loss, sample_weight, class_weight)
        count = len(samples.x)
        with trainer.learning():
            fitting.Epoch(trainer, samples, count, None, fitting.outputs_for(trainer, count, count)).advance(1)
            return _answer(trainer.tracker.logs(), return_dict)

    def test_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics of these rows as one batch, in the form of evaluate."""
        trainer = self._trainer_for(x)
        samples = data.labelled(x, y, trainer.plan, trainer.loss, sample_weight)
        return _answer(evaluating.evaluate(trainer, samples, len(samples.x)), return_dict)

    def predict(
        self, x: ArrayLike, batch_size: int | None = None, verbose: str | int = 0, *, out: Array | None = None
    ) -> Array:
        """The network's results. Threads may call it at the same time, as long as none changes the model.

        Args:
            x: samples, shape (N, *input shape).
            batch_size: rows of a batch; the results do not depend on it.
            verbose: 1 or "auto" shows the progress.
            out: C-contiguous array for the results, of the model's dtype.

        Returns:
            Array of shape (N, *output shape) and the model's dtype: out, if that was given.

        Raises:
            TypeError: x is no array of real numbers, or out's dtype is wrong.
            ValueError: a shape or layout is wrong, or out overlaps x.
        """
        if batch_size is None and verbose is _SILENT:
            y: Array = self._fast(x, out)
            if y is not NotImplemented:
                return y
        size = fitting.checked_batch_size(batch_size)
        engine = self._engine_for(x)
        inputs = data.samples(x, engine.plan.input_shape, self.dtype)
        shape = (len(inputs), *engine.plan.output_shape)
        result = None if out is None else data.result_array(out, shape, self.dtype, inputs)
        y = evaluating.predict(engine, inputs, result, size, verbose)
        return y if out is None else out

    def predict_on_batch(self, x: ArrayLike) -> Array:
        """predict, by the name that Keras has for one batch."""
        return self.predict(x)

    def __call__(self, x: ArrayLike) -> Array:
        """predict."""
        return self.predict(x)

    def get_config(self) -> dict[str, Any]:
        """The model's name, dtype, layers and input shape, such that JSON can hold them; not its weights."""
        return {
            "name": self.name,
            "dtype": self.dtype.name,
            "layers": [{"class_name": type(item).__name__, "config": item.get_config()} for item in self._items],
            "input_shape": None if self._input_shape is None else list(self._input_shape),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], **options: Any) -> Sequential:
        """A model, with new weights, from what get_config gave; options are the others of Sequential's arguments."""
        items = [layers.from_config(item["class_name"], item["config"]) for item in config["layers"]]
        model = cls(items, config["name"], dtype=config["dtype"], **options)
        if config["input_shape"] is not None:
            model._build(checked_shape(config["input_shape"], "input_shape"))
        return model

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Saves all of the model: layers, weights, what compile was given, the optimizer's and the generator's states.

        fastnn.load_model makes it again, and training goes on there to the same bits as here. A file that is there
        stays as it is until the new one is whole.

        Args:
            filepath: a safetensors file.
            overwrite: whether it may exist.

        Raises:
            FileExistsError: it exists and overwrite is False.
            OSError: it cannot be written.
            ValueError: the model is not built, or the learning rate is a function.
        """
        from fastnn.network import saving

        saving.save_model(self, filepath, overwrite)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Saves the weights alone; as save otherwise."""
        from fastnn.network import saving

        saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Takes the weights from a file of save or save_weights; nothing changes if that fails.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no whole file of fastnn, or its arrays have other shapes than this model's.
        """
        from fastnn.network import saving

        self.set_weights(saving.read_weights(self, filepath))

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        if not self.built:
            return super().__reduce_ex__(protocol)
        # Copies and pickles are made as files are.
        from fastnn.network import saving

        return saving.from_bytes, (saving.to_bytes(self), self._backend, self._engine_name)

    def __repr__(self) -> str:
        shown = f", input_shape={self.input_shape}" if self.built else ""
        return f"<Sequential {self.name!r}: {len(self.layers)} layers{shown}>"

    def _change(self, items: list[Layer]) -> None:
        if self._trainer is not None:
            self._trainer.require_idle()
        super()._change(items)

    def _take(self, blueprint: Blueprint | None) -> None:
        if self._engine is not None:
            # The states of the optimizer belong to the weights as they were.
            self._compilation = None
        self._trainer = None
        super()._take(blueprint)

    def _trainer_for(self, x: object) -> Trainer:
        """What learns from such samples."""
        if self._compilation is None or self._compilation.loss is None:
            missing = "is not compiled" if self._compilation is None else "was compiled without a loss"
            raise ValueError(f'the model {missing}; call compile("adam", "mse") or the like first')
        self._engine_for(x)
        trainer = self._ready_trainer()
        assert trainer is not None
        return trainer

    def _ready_trainer(self) -> Trainer | None:
        """What learns, of a built network; None if it is not compiled with a loss."""
        if self._trainer is None and self._compilation is not None:
            self._trainer = self._trainer_of(self._compilation)
        return self._trainer

    def _trainer_of(self, compilation: Compilation) -> Trainer | None:
        engine = self._ready()
        return compiling.trainer(compilation, engine, self._operations, self._draw_seed)

    def _draw_seed(self) -> int:
        return int(self._rng.integers(compiling.SEEDS))


def _answer(logs: dict[str, float], as_dict: bool) -> Any:
    """Results in the form of evaluate."""
    if as_dict:
        return logs
    values = list(logs.values())
    return values if len(values) > 1 else values[0]
