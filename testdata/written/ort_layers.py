"""Runs an INT8 model that Octet wrote layer by layer in ONNX Runtime, with the integers that Octet computed.

  python ort_layers.py MODEL.onnx RECORD IN SHAPE OUT

RECORD holds every INT8 tensor as Octet computed it for the pictures IN, bare float32 of the SHAPE: a line of JSON with name and bytes, then the
integers (internal/integers). Whatever lies between such tensors becomes a model of its own, with Octet's integers going in. The last output, from the
integers in front of it, is written to OUT as bare float32. Prints a list of JSON: how many integers of each tensor are others than Octet's.
"""
import json
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper


def records(path):
    with open(path, "rb") as f:
        while line := f.readline():
            h = json.loads(line)
            yield h["name"], f.read(h["bytes"])


class Pieces:
    """The parts of a model between tensors whose values are known."""

    def __init__(self, path):
        self.model = onnx.load(path)
        g = self.model.graph
        self.producer = {o: n for n in g.node for o in n.output}
        self.types = {v.name: v for v in [*g.value_info, *g.input, *g.output]}
        self.constants = {i.name: i for i in g.initializer}
        self.known = {}

    def read(self, record, pictures):
        """Takes the values of tensors; x@quantized holds the integers of what Octet calls x."""
        for name, data in record:
            if name + "@quantized" in self.producer:
                name += "@quantized"
            t = self.types[name].type.tensor_type
            dims = [d.dim_value for d in t.shape.dim[1:]]
            self.known[name] = np.frombuffer(data, helper.tensor_dtype_to_np_dtype(t.elem_type)).reshape([len(pictures), *dims])

    def between(self, target):
        """The model from known tensors and inputs to target, and the names of what goes in."""
        todo, inside, ins, constants = [target], set(), [], []
        seen = {""}
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in self.constants:
                constants.append(self.constants[name])
            elif name not in self.producer or name in self.known and name != target:
                ins.append(name)
            else:
                inside.add(self.producer[name].output[0])
                todo += self.producer[name].input
        nodes = [n for n in self.model.graph.node if n.output[0] in inside]
        inner = [self.types[o] for n in nodes for o in n.output if o != target and o in self.types]
        g = helper.make_graph(nodes, "piece", [self.types[i] for i in ins], [self.types[target]], constants, value_info=inner)
        return helper.make_model(g, opset_imports=self.model.opset_import, ir_version=self.model.ir_version), ins

    def run(self, target, pictures):
        piece, ins = self.between(target)
        o = onnxruntime.SessionOptions()
        o.log_severity_level = 3
        s = onnxruntime.InferenceSession(piece.SerializeToString(), o, providers=["CPUExecutionProvider"])
        label = np.zeros((len(pictures), 1), np.int64)
        return s.run(None, {i: self.known.get(i, label if i == "label" else pictures) for i in ins})[0]


def main():
    path, record, images, shape, out = sys.argv[1:]
    x = np.fromfile(images, np.float32).reshape([int(d) for d in shape.split(",")])
    p = Pieces(path)
    p.read(records(record), x)
    differences = []
    for name, octet in p.known.items():
        d = np.abs(p.run(name, x).astype(int) - octet.astype(int))
        differences.append({"name": name, "bytes": d.size, "different": int(np.count_nonzero(d)), "largest": int(d.max())})
    p.run(p.model.graph.output[-1].name, x).astype(np.float32).tofile(out)
    print(json.dumps(differences))


if __name__ == "__main__":
    main()
