"""Dense layers: forward, with packed weights, and backward."""

OPS = ["dense", "packed_dense", "dense_backward"]


def bench_dense(run):
    run()
