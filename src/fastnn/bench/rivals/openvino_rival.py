"""OpenVINO: a compiled model with its weights inside. float32 alone: float64 it would round."""

from __future__ import annotations

import openvino
from openvino import opset13 as ops

from fastnn.bench import network_cases
from fastnn.bench.cases import Arrays, Case
from fastnn.bench.measure import Entry

VERSION = str(openvino.__version__)

_core = openvino.Core()


def set_threads(n: int) -> None:
    """Nothing to do: every model is compiled for its number of threads."""


def entries(case: Case, arrays: Arrays, threads: int) -> list[Entry]:
    """The cell as a compiled model, on tensors that share memory with NumPy's arrays."""
    if case.op not in ("packed_dense", "softmax", "log_softmax", "predict") or case.dtype != "f32":
        return []
    x = arrays["x"]
    parameter = ops.parameter(list(x.shape), openvino.Type.f32)
    if case.op == "packed_dense":
        product = ops.matmul(parameter, ops.constant(arrays["w"]), False, False)
        result = ops.relu(ops.add(product, ops.constant(arrays["b"])))
    elif case.op == "predict":
        result = parameter
        layers = network_cases.layers(arrays)
        for i, (w, b) in enumerate(layers):
            sums = ops.add(ops.matmul(result, ops.constant(w), False, False), ops.constant(b))
            result = ops.relu(sums) if i < len(layers) - 1 else ops.softmax(sums, 1)
    else:
        result = ops.softmax(parameter, 1) if case.op == "softmax" else ops.log_softmax(parameter, 1)
    model = openvino.Model([result], [parameter], case.op)
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
    }
    request = _core.compile_model(model, "CPU", options).create_infer_request()
    request.set_input_tensor(openvino.Tensor(x, shared_memory=True))
    output = request.get_output_tensor(0)
    return [
        Entry(lambda: request.infer(share_outputs=True), lambda _: (output.data,)),
        Entry(lambda: (request.start_async(), request.wait()), lambda _: (output.data,)),
    ]
