"""Cross-entropy with its gradient."""

OPS = ["cross_entropy_with_grad"]


def bench_cross_entropy(run):
    run()
