"""Writes the ONNX models of a network: fp32.onnx, and int8.onnx by ONNX Runtime's own quantiser (QDQ, u8 activations, s8 weights a
channel, MinMax on the given pictures).

make_onnx.py OPS.json PARAMS.f32 PICTURES.f32 FP32.onnx INT8.onnx

OPS.json is the Paddle program as Octet tells it, PARAMS.f32 the values of its parameters in that order.
"""
import json
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

import worker


def parameters(net, path):
    values, at = np.fromfile(path, np.float32), 0
    for p in net["params"]:
        n = int(np.prod(p["dims"]))
        yield numpy_helper.from_array(values[at:at + n].reshape(p["dims"]), p["name"])
        at += n
    assert at == len(values), f"{path} has {len(values)} values, the parameters {at}"


def window(a):
    top, left = a["paddings"]
    return dict(strides=a["strides"], pads=[top, left, top, left])


def nodes(op):
    """The ONNX nodes of one Paddle operator; names of values stay."""
    kind, i, o, a = op["type"], op["in"], op["out"], op["attrs"]
    if kind in ("conv2d", "depthwise_conv2d"):
        yield helper.make_node("Conv", [i["Input"], i["Filter"]], [o["Output"]], dilations=a["dilations"], group=a["groups"], **window(a))
    elif kind == "batch_norm":
        yield helper.make_node("BatchNormalization", [i[s] for s in ("X", "Scale", "Bias", "Mean", "Variance")], [o["Y"]], epsilon=a["epsilon"])
    elif kind == "relu":
        yield helper.make_node("Relu", [i["X"]], [o["Out"]])
    elif kind == "elementwise_add":
        yield helper.make_node("Add", [i["X"], i["Y"]], [o["Out"]])
    elif kind == "pool2d" and a["global_pooling"]:
        yield helper.make_node("GlobalAveragePool", [i["X"]], [o["Out"]])
    elif kind == "pool2d":
        yield helper.make_node("MaxPool", [i["X"]], [o["Out"]], kernel_shape=a["ksize"], **window(a))
    elif kind == "mul":
        yield helper.make_node("Flatten", [i["X"]], [i["X"] + ".flat"], axis=1)
        yield helper.make_node("MatMul", [i["X"] + ".flat", i["Y"]], [o["Out"]])
    elif kind == "softmax":
        yield helper.make_node("Softmax", [i["X"]], [o["Out"]], "softmax", axis=1)
    else:
        raise ValueError(f"operator {kind} is not among those of the benchmark's networks")


def write_fp32(net, params, path):
    graph = helper.make_graph(
        [n for op in net["ops"] for n in nodes(op)], "net",
        [helper.make_tensor_value_info(net["input"], TensorProto.FLOAT, ["N", *worker.PIXELS])],
        [helper.make_tensor_value_info(net["output"], TensorProto.FLOAT, ["N", None])], list(parameters(net, params)))
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="octet")
    onnx.checker.check_model(m)
    onnx.save(m, path)


class Pictures(CalibrationDataReader):
    def __init__(self, net, path):
        self.feeds = iter([{net["input"]: np.array(x[None])} for x in worker.pictures(path)])

    def get_next(self):
        return next(self.feeds, None)


def main(ops, params, pictures, fp32, int8):
    with open(ops) as f:
        net = json.load(f)
    write_fp32(net, params, fp32)
    plain = int8 + ".plain"
    quant_pre_process(fp32, plain, skip_symbolic_shape=True)
    quantize_static(plain, int8, Pictures(net, pictures), quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8, per_channel=True, calibrate_method=CalibrationMethod.MinMax,
                    nodes_to_exclude=["softmax"],  # by default the probabilities get 8 bits too
                    extra_options={"WeightSymmetric": True})
    os.remove(plain)


if __name__ == "__main__":
    main(*sys.argv[1:])
