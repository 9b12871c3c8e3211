"""Runs ONNX models that Octet wrote in ONNX Runtime.

  python ort_cases.py FOLDER

Each folder below FOLDER holds m.onnx and its inputs in_0.npy, in_1.npy, …, in the order of the model. The outputs go to got_0.npy and
so on; where something fails, got.txt says why. Models are checked by onnx.checker first, their declared shapes included.
Prints the versions of onnx and onnxruntime.
"""
import os
import sys

import numpy as np
import onnx
import onnxruntime


def run(folder):
    path = os.path.join(folder, "m.onnx")
    onnx.checker.check_model(path, full_check=True)
    o = onnxruntime.SessionOptions()
    o.log_severity_level = 3
    s = onnxruntime.InferenceSession(path, o, providers=["CPUExecutionProvider"])
    feeds = {x.name: np.load(os.path.join(folder, f"in_{i}.npy")) for i, x in enumerate(s.get_inputs())}
    for i, y in enumerate(s.run(None, feeds)):
        np.save(os.path.join(folder, f"got_{i}.npy"), np.asarray(y, order="C"))


def main():
    for name in sorted(os.listdir(sys.argv[1])):
        folder = os.path.join(sys.argv[1], name)
        try:
            run(folder)
        except Exception as e:
            with open(os.path.join(folder, "got.txt"), "w") as f:
                f.write(" ".join(str(e).split()))
    print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)


if __name__ == "__main__":
    main()
