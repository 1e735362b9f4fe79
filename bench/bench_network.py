"""Whole networks: predicting, steps of learning, and an epoch. A call of train_step is extra_info["steps"] steps."""

OPS = ["predict", "train_step", "epoch"]


def bench_network(run):
    run()
