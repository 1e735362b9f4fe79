"""The network's optimizers: their plans, learning rates and configurations; the schedules against closed formulas."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from fastnn.network import optimizers, schedules
from fastnn.network.engine import OptimizerPlan
from fastnn.network.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from fastnn.network.schedules import LearningRateSchedule

PLANS: dict[str, tuple[Optimizer, OptimizerPlan]] = {
    "sgd": (SGD(), OptimizerPlan("sgd")),
    "momentum": (SGD(0.1, 0.9), OptimizerPlan("sgd", momentum=0.9)),
    "nesterov": (SGD(0.1, 0.9, nesterov=True), OptimizerPlan("sgd", momentum=0.9, nesterov=True)),
    "nesterov without momentum": (SGD(nesterov=True), OptimizerPlan("sgd")),
    "adam": (Adam(), OptimizerPlan("adam", beta1=0.9, beta2=0.999, epsilon=1e-7)),
    "adam, all": (
        Adam(0.1, 0.8, 0.9, 1e-3, weight_decay=0.5, clipnorm=2.0),
        OptimizerPlan("adam", beta1=0.8, beta2=0.9, epsilon=1e-3, weight_decay=0.5, clip_norm=2.0),
    ),
    "adamw": (AdamW(), OptimizerPlan("adam", epsilon=1e-7, weight_decay=0.004)),
    "adamw, order of arguments": (
        AdamW(0.1, 0.2, 0.3, 0.4, 0.5),
        OptimizerPlan("adam", weight_decay=0.2, beta1=0.3, beta2=0.4, epsilon=0.5),
    ),
    "rmsprop": (RMSprop(), OptimizerPlan("rmsprop", rho=0.9, epsilon=1e-7)),
    "rmsprop, all": (
        RMSprop(0.1, 0.8, 0.7, 1e-3, clipvalue=3),
        OptimizerPlan("rmsprop", rho=0.8, momentum=0.7, epsilon=1e-3, clip_value=3.0),
    ),
    "adagrad": (Adagrad(), OptimizerPlan("adagrad", initial=0.1, epsilon=1e-7)),
    "adagrad, all": (
        Adagrad(0.1, 0.2, 1e-3, global_clipnorm=1.5),
        OptimizerPlan("adagrad", initial=0.2, epsilon=1e-3, clip_global_norm=1.5),
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_plans(name: str) -> None:
    optimizer, plan = PLANS[name]
    assert optimizer.plan() == plan


@pytest.mark.parametrize("name", PLANS)
def test_an_optimizer_survives_json(name: str) -> None:
    optimizer, plan = PLANS[name]
    again = optimizers.get(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert type(again) is type(optimizer)
    assert again.plan() == plan
    assert again.get_config() == optimizer.get_config()


def test_default_learning_rates_and_names_are_those_of_keras() -> None:
    made = [kind() for kind in (SGD, Adam, AdamW, RMSprop, Adagrad)]
    assert [one.learning_rate for one in made] == [0.01, 0.001, 0.001, 0.001, 0.001]
    assert [one.name for one in made] == ["SGD", "adam", "adamw", "rmsprop", "adagrad"]
    assert all(one.iterations == 0 for one in made)


@pytest.mark.parametrize(
    ("name", "kind"), [("adam", Adam), ("Adam", Adam), ("AdamW", AdamW), ("SGD", SGD), ("rmsprop", RMSprop)]
)
def test_get_by_name(name: str, kind: type[Optimizer]) -> None:
    assert type(optimizers.get(name)) is kind


def test_get_keeps_an_object() -> None:
    optimizer = Adagrad()
    assert optimizers.get(optimizer) is optimizer


def test_the_plan_follows_attributes() -> None:
    optimizer = SGD(0.1)
    optimizer.momentum = 0.5
    assert optimizer.plan().momentum == 0.5


# --- learning rates


def test_rates_of_a_number() -> None:
    optimizer = SGD(0.25)
    rates = optimizer.rates(7, 3)
    assert rates.dtype == np.float64
    assert rates.tolist() == [0.25, 0.25, 0.25]
    optimizer.learning_rate = np.float32(0.5)
    assert optimizer.learning_rate == 0.5
    assert SGD(1).rates(0, 0).shape == (0,)


def test_rates_of_a_schedule_and_of_a_function() -> None:
    by_object = SGD(schedules.ExponentialDecay(1.0, 10, 0.5))
    by_function = SGD(lambda step: 0.5 ** (step / 10))
    np.testing.assert_allclose(by_object.rates(3, 50), by_function.rates(3, 50), rtol=1e-15)
    for optimizer in (by_object, by_function):
        optimizer.iterations = 20
        assert optimizer.learning_rate == 0.25


def test_a_number_does_not_replace_a_schedule_but_a_schedule_does() -> None:
    optimizer = SGD(schedules.StepDecay(1.0, 10))
    with pytest.raises(TypeError, match=r"follows a StepDecay.*ConstantSchedule\(0\.1\)"):
        optimizer.learning_rate = 0.1
    assert optimizer.learning_rate == 1.0
    optimizer.learning_rate = schedules.ConstantSchedule(0.1)
    assert optimizer.learning_rate == 0.1
    optimizer.learning_rate = lambda step: 0.5
    with pytest.raises(TypeError, match="follows the function <lambda>"):
        optimizer.learning_rate = 0.1
    by_number = SGD(0.1)
    by_number.learning_rate = schedules.ConstantSchedule(0.2)
    assert by_number.learning_rate == 0.2


def test_your_own_schedule() -> None:
    class Falling(LearningRateSchedule):
        def __init__(self, top: float) -> None:
            self.top = top

        def __call__(self, step: int) -> float:
            return self.top / (1 + step)

        def get_config(self) -> dict[str, Any]:
            return {"top": self.top}

    optimizer = SGD(Falling(2.0))
    assert optimizer.rates(0, 4).tolist() == [2.0, 1.0, 2.0 / 3.0, 0.5]
    again = optimizers.get(optimizers.serialize(optimizer))
    assert again.rates(0, 4).tolist() == [2.0, 1.0, 2.0 / 3.0, 0.5]


def test_a_function_cannot_be_saved() -> None:
    with pytest.raises(ValueError, match="learning_rate is the function <lambda>, which a file cannot hold"):
        SGD(lambda step: 0.1).get_config()


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1])
def test_rates_that_are_not_rates(value: float) -> None:
    optimizer = SGD(lambda step: value if step == 5 else 0.1)
    assert optimizer.learning_rate == 0.1
    with pytest.raises(ValueError, match=r"finite and >= 0, got .* in step 5"):
        optimizer.rates(3, 10)


def test_a_schedule_that_gives_too_few_rates() -> None:
    class Short(LearningRateSchedule):
        def values(self, steps: np.ndarray) -> np.ndarray:
            return np.ones(1)

    with pytest.raises(ValueError, match=r"a Short must give 3 learning rates, got shape \(1,\)"):
        SGD(Short()).rates(0, 3)


BAD: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: SGD("fast"), TypeError, "learning_rate must be a real number, got 'fast'"),
    (lambda: SGD(-0.1), ValueError, "learning_rate must be >= 0"),
    (lambda: SGD(math.nan), ValueError, "learning_rate must be >= 0"),
    (lambda: SGD(lambda: 0.1), TypeError, "learning_rate must be a function of one argument, the step"),
    (lambda: SGD(momentum=1.5), ValueError, "momentum must be >= 0 and <= 1, got 1.5"),
    (lambda: SGD(nesterov=1), TypeError, "nesterov must be True or False"),
    (lambda: SGD(weight_decay=-1), ValueError, "weight_decay must be >= 0"),
    (lambda: SGD(clipnorm=0), ValueError, "clipnorm must be > 0"),
    (lambda: SGD(clipvalue="1"), TypeError, "clipvalue must be a real number"),
    (lambda: SGD(clipvalue=1.0, clipnorm=2.0), ValueError, "only one of clipnorm, clipvalue and global_clipnorm"),
    (lambda: Adam(beta_1=1.0), ValueError, "beta_1 must be >= 0 and < 1"),
    (lambda: Adam(beta_2=-0.1), ValueError, "beta_2 must be >= 0 and < 1"),
    (lambda: Adam(epsilon=math.inf), ValueError, "epsilon must be >= 0"),
    (lambda: AdamW(weight_decay=None), TypeError, "weight_decay must be a real number, got None"),
    (lambda: RMSprop(rho=2), ValueError, "rho must be >= 0 and <= 1"),
    (lambda: Adagrad(initial_accumulator_value=-1), ValueError, "initial_accumulator_value must be >= 0"),
    (lambda: optimizers.get("adm"), ValueError, r"unknown optimizer 'adm'; did you mean 'adam'\? \(known: sgd, adam"),
    (lambda: optimizers.get(None), TypeError, 'optimizer must be a name such as "adam"'),
    (lambda: optimizers.get({"class_name": "Adam"}), ValueError, "must be described by class_name and config"),
    (lambda: optimizers.get({"class_name": "Adam", "config": {"beta": 1}}), ValueError, "does not describe Adam"),
    (lambda: optimizers.get({"class_name": "Adam", "config": None}), ValueError, "does not describe Adam"),
    (lambda: schedules.deserialize({"class_name": "Cosine", "config": {}}), ValueError, "did you mean 'CosineDecay'"),
    (lambda: schedules.deserialize({"class_name": "OneCycle", "config": {}}), ValueError, "not describe a OneCycle"),
    (lambda: schedules.deserialize(3), ValueError, "must be described by class_name and config"),
    (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), ValueError, "decay_steps must be > 0"),
    (lambda: schedules.CosineDecay(-1, 10), ValueError, "initial_learning_rate must be >= 0"),
    (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1]), ValueError, "values must have one element more"),
    (lambda: schedules.PiecewiseConstantDecay([2, 2], [1, 2, 3]), ValueError, "boundaries must ascend"),
    (lambda: schedules.LinearWarmup(0.1, 0), ValueError, "warmup_steps must be >= 1"),
    (lambda: schedules.LinearWarmup("x", 2), TypeError, "learning_rate must be a real number"),
    (lambda: schedules.OneCycle(0.1, 10, pct_start=2), ValueError, "pct_start must be >= 0 and <= 1"),
    (lambda: LearningRateSchedule()(0), NotImplementedError, "must define __call__"),
    (lambda: LearningRateSchedule().get_config(), NotImplementedError, "must define get_config"),
]


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_arguments(case: int) -> None:
    call, error, sentence = BAD[case]
    with pytest.raises(error, match=sentence):
        call()


# --- schedules: each against its formula for one step, written with math


def cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def one_cycle(step: int, peak: float, total: int, pct: float, div: float, final: float) -> float:
    rise, last = pct * total - 1, total - 1
    if step <= rise:
        return cosine(peak / div, peak, step / rise)
    return cosine(peak, peak / div / final, min((step - rise) / (last - rise), 1))


def polynomial(step: int, cycle: bool) -> float:
    length = 7 * max(math.ceil(step / 7), 1) if cycle else 7
    return 0.01 + 0.09 * (1 - min(step, length) / length) ** 2


SCHEDULES: dict[str, tuple[LearningRateSchedule, Callable[[int], float]]] = {
    "constant": (schedules.ConstantSchedule(0.1), lambda s: 0.1),
    "piecewise": (
        schedules.PiecewiseConstantDecay([3, 8], [1.0, 0.5, 0.1]),
        lambda s: 1.0 if s <= 3 else 0.5 if s <= 8 else 0.1,
    ),
    "piecewise of one": (schedules.PiecewiseConstantDecay([], [0.2]), lambda s: 0.2),
    "step": (schedules.StepDecay(0.1, 5), lambda s: 0.1 * 0.1 ** (s // 5)),
    "exponential": (schedules.ExponentialDecay(0.1, 7.5, 0.9), lambda s: 0.1 * 0.9 ** (s / 7.5)),
    "exponential stairs": (schedules.ExponentialDecay(0.1, 4, 0.9, True), lambda s: 0.1 * 0.9 ** (s // 4)),
    "inverse time": (schedules.InverseTimeDecay(0.1, 4, 0.5), lambda s: 0.1 / (1 + 0.5 * s / 4)),
    "inverse time stairs": (schedules.InverseTimeDecay(0.1, 4, 0.5, True), lambda s: 0.1 / (1 + 0.5 * (s // 4))),
    "polynomial": (schedules.PolynomialDecay(0.1, 7, 0.01, 2), lambda s: polynomial(s, False)),
    "polynomial cycle": (schedules.PolynomialDecay(0.1, 7, 0.01, 2, True), lambda s: polynomial(s, True)),
    "cosine": (schedules.CosineDecay(0.1, 20), lambda s: cosine(0.1, 0.0, min(s, 20) / 20)),
    "cosine alpha": (schedules.CosineDecay(0.1, 20, 0.2), lambda s: cosine(0.1, 0.02, min(s, 20) / 20)),
    "cosine warm-up": (
        schedules.CosineDecay(0.01, 20, 0.2, warmup_target=0.1, warmup_steps=5),
        lambda s: 0.01 + 0.09 * s / 5 if s < 5 else cosine(0.1, 0.02, min(s - 5, 20) / 20),
    ),
    "cosine warm-up of no length": (
        schedules.CosineDecay(0.01, 20, warmup_target=0.1),
        lambda s: cosine(0.1, 0.0, min(s, 20) / 20),
    ),
    "warm-up": (
        schedules.LinearWarmup(schedules.StepDecay(0.1, 5), 4, 0.02),
        lambda s: 0.02 + 0.08 * s / 4 if s < 4 else 0.1 * 0.1 ** ((s - 4) // 5),
    ),
    "warm-up to a number": (schedules.LinearWarmup(0.1, 4), lambda s: 0.1 * min(s / 4, 1)),
    "one cycle": (schedules.OneCycle(0.1, 30), lambda s: one_cycle(s, 0.1, 30, 0.3, 25, 1e4)),
    "one cycle, all": (schedules.OneCycle(0.1, 20, 0.5, 10, 100), lambda s: one_cycle(s, 0.1, 20, 0.5, 10, 100)),
    "one cycle without a rise": (schedules.OneCycle(0.1, 20, 0.0), lambda s: cosine(0.1, 4e-7, min(s / 19, 1))),
    "one cycle without a fall": (
        schedules.OneCycle(0.1, 20, 1.0),
        lambda s: cosine(0.004, 0.1, s / 19) if s <= 19 else 4e-7,
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_follow_their_formulas(name: str) -> None:
    schedule, formula = SCHEDULES[name]
    steps = np.arange(50, dtype=np.int64)
    values = schedule.values(steps)
    assert values.shape == (50,)
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, [formula(step) for step in range(50)], rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("name", SCHEDULES)
def test_one_step_has_the_bits_of_many(name: str) -> None:
    # A training that goes on from a file asks for the rates in other portions.
    schedule, _ = SCHEDULES[name]
    steps = np.arange(50, dtype=np.int64)
    values = schedule.values(steps)
    assert [schedule(step) for step in range(50)] == values.tolist()
    assert schedule.values(steps[13:]).tolist() == values[13:].tolist()
    assert schedule.values(steps[:0]).shape == (0,)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_survives_json(name: str) -> None:
    schedule, _ = SCHEDULES[name]
    again = schedules.deserialize(json.loads(json.dumps(schedules.serialize(schedule))))
    assert type(again) is type(schedule)
    steps = np.arange(50, dtype=np.int64)
    assert again.values(steps).tolist() == schedule.values(steps).tolist()
    assert isinstance(schedule(3), float)


def test_one_cycle_against_torch() -> None:
    torch = pytest.importorskip("torch")
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=23, pct_start=0.4)
    rates = []
    for _ in range(23):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(rates) < 23:
            scheduler.step()
    ours = schedules.OneCycle(0.1, 23, pct_start=0.4).values(np.arange(23, dtype=np.int64))
    np.testing.assert_allclose(ours, rates, rtol=1e-12)


def test_the_states_kept_for_each_variable() -> None:
    slots = {name: plan.slots for name, (_, plan) in PLANS.items()}
    assert slots["sgd"] == ()
    assert slots["momentum"] == ("k",)
    assert slots["adamw"] == ("m", "v")
    assert slots["rmsprop, all"] == ("v", "k")
    assert slots["adagrad"] == ("s",)
    assert PLANS["adagrad"][1].first_value("s") == 0.1 + 1e-7


@pytest.mark.parametrize("answer", ["0.1", None, np.ones(2)])
def test_a_function_has_to_give_numbers(answer):
    with pytest.raises(TypeError, match="learning_rate from the function <lambda> must be a real number"):
        SGD(lambda step: answer).rates(0, 3)


@pytest.mark.parametrize("given", [None, 3, 0.5])
def test_boundaries_and_values_are_lists(given):
    for arguments in ((given, [0.1]), ([], given)):
        with pytest.raises(TypeError, match="must be a list of numbers"):
            schedules.PiecewiseConstantDecay(*arguments)


def test_names_are_text():
    for make in (SGD, Adam, AdamW, RMSprop, Adagrad, partial(schedules.ConstantSchedule, 0.1)):
        with pytest.raises(TypeError, match="name must be a str, got a int"):
            make(name=3)
