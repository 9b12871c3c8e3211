"""Runs an ONNX model that Octet wrote in ONNX Runtime.

  python ort_run.py MODEL.onnx IN SHAPE OUT MODE...

IN holds pictures as bare float32 of the SHAPE, such as 80,3,48,48. For each MODE the last output is written to OUT.MODE in the same way:
  check    onnx.checker, shapes included; then batches of 20
  batches  batches of 20
  single   one picture at a time
  plain    batches of 20, the nodes as the file has them: no optimisation of the graph
A fed label is filled with zeros. Prints the version of ONNX Runtime, and of which operators the optimised model consists.
"""
import collections
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

BATCH = {"check": 20, "batches": 20, "single": 1, "plain": 20}


def session(path, optimised=None):
    o = onnxruntime.SessionOptions()
    o.log_severity_level = 3
    if optimised:
        o.optimized_model_filepath = optimised
    else:
        o.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path, o, providers=["CPUExecutionProvider"])


def feeds(s, x):
    names = [i.name for i in s.get_inputs()]
    f = {"image" if "image" in names else names[0]: x}
    if "label" in names:
        f["label"] = np.zeros((len(x), 1), np.int64)
    return f


def main():
    path, images, shape, out = sys.argv[1:5]
    x = np.fromfile(images, np.float32).reshape([int(d) for d in shape.split(",")])
    optimised = os.path.join(tempfile.mkdtemp(), "optimised.onnx")
    s = session(path, optimised)
    for mode in sys.argv[5:]:
        if mode == "check":
            onnx.checker.check_model(path, full_check=True)
        n = BATCH[mode]
        run = session(path) if mode == "plain" else s
        y = np.concatenate([run.run(None, feeds(run, x[i:i + n]))[-1] for i in range(0, len(x), n)])
        y.astype(np.float32).tofile(f"{out}.{mode}")
    kinds = collections.Counter(n.op_type for n in onnx.load(optimised).graph.node)
    print(f"{onnxruntime.__version__} ({', '.join(f'{n} {k}' for k, n in kinds.most_common(8))})")


if __name__ == "__main__":
    main()
