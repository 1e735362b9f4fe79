"""Softmax, its gradient, and log_softmax."""

OPS = ["softmax", "softmax_backward", "log_softmax"]


def bench_softmax(run):
    run()
