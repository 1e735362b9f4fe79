"""What the cells train_step and epoch ask of a library: the same runs of steps for all of them."""

from __future__ import annotations

from typing import Protocol

from fastnn.bench import network_cases
from fastnn.bench.cases import Array, Arrays, Case
from fastnn.bench.measure import Entry


class Learner(Protocol):
    """A network of a library, on a cell's data."""

    def restart(self, rate: float) -> None:
        """Back to the initial weights, with a new Adam of this rate, network_cases.EPSILON and the usual betas."""

    def set_rate(self, rate: float) -> None:
        """Another rate; the moments stay. Called for train_step alone."""

    def steps(self) -> None:
        """A step on each of the batches, in their order."""

    def epoch(self) -> None:
        """A step on each batch of all the rows in a new random order, with the mean loss and the accuracy."""

    def weights(self) -> list[Array]:
        """The weights now, as Keras orders them: w, b, w, b ..."""


def entry(case: Case, arrays: Arrays, learner: Learner) -> Entry:
    """The cell, train_step or epoch, as the learner does it."""
    if case.op == "epoch":

        def epoch() -> None:
            learner.restart(network_cases.RATE)
            learner.epoch()

        return Entry(epoch, lambda _: (network_cases.loss(arrays, learner.weights()),))

    def learnt(_: object) -> tuple[Array, ...]:
        learner.restart(network_cases.RATE)
        learner.steps()
        way = network_cases.way(arrays, learner.weights())
        learner.set_rate(network_cases.IDLE_RATE)
        return way

    learner.restart(network_cases.IDLE_RATE)
    return Entry(learner.steps, learnt, units=network_cases.batches(case.shape[0]))
