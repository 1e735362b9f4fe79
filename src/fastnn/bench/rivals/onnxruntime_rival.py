"""ONNX Runtime: a prepared session with its weights inside, run with bound inputs and outputs, or plainly."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from fastnn.bench import network_cases
from fastnn.bench.cases import Arrays, Case
from fastnn.bench.measure import Entry

VERSION = str(onnxruntime.__version__)


def set_threads(n: int) -> None:
    """Nothing to do: every session is made for its number of threads."""


def entries(case: Case, arrays: Arrays, threads: int) -> list[Entry]:
    """The cell as a model: one or two nodes, or a network that predicts."""
    if case.op not in ("packed_dense", "softmax", "log_softmax", "predict"):
        return []
    x = arrays["x"]
    dtype = helper.np_dtype_to_tensor_dtype(x.dtype)
    constants = []
    if case.op == "packed_dense":
        nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["z"]), helper.make_node("Relu", ["z"], ["y"])]
        constants = [numpy_helper.from_array(arrays[name], name) for name in ("w", "b")]
        columns = case.shape[2]
    elif case.op == "predict":
        nodes, constants = _network(arrays)
        columns = case.shape[-1]
    else:
        node = "Softmax" if case.op == "softmax" else "LogSoftmax"
        nodes = [helper.make_node(node, ["x"], ["y"], axis=-1)]
        columns = case.shape[1]
    y_shape = (x.shape[0], columns)
    graph = helper.make_graph(nodes, case.op, [_value("x", dtype, x.shape)], [_value("y", dtype, y_shape)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), sess_options=options, providers=["CPUExecutionProvider"]
    )
    y = np.empty(y_shape, x.dtype)
    binding = session.io_binding()
    for bind, name, array in ((binding.bind_input, "x", x), (binding.bind_output, "y", y)):
        bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
    feed = {"x": x}
    return [
        Entry(lambda: session.run_with_iobinding(binding), lambda _: (y,)),
        Entry(lambda: session.run(None, feed), tuple),
    ]


def _network(arrays: Arrays) -> tuple[list[Any], list[Any]]:
    """The nodes from x to y, and the weights."""
    nodes, constants, entering = [], [], "x"
    layers = network_cases.layers(arrays)
    for i, (w, b) in enumerate(layers):
        constants += [numpy_helper.from_array(w, f"w{i}"), numpy_helper.from_array(b, f"b{i}")]
        is_last = i == len(layers) - 1
        leaving = "y" if is_last else f"h{i}"
        nodes.append(helper.make_node("Gemm", [entering, f"w{i}", f"b{i}"], [f"z{i}"]))
        nodes.append(helper.make_node("Softmax" if is_last else "Relu", [f"z{i}"], [leaving]))
        entering = leaving
    return nodes, constants


def _value(name: str, dtype: int, shape: tuple[int, ...]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.DataType.Name(dtype) and dtype, shape)
