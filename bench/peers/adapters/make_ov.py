"""Quantises an ONNX model with NNCF (performance preset, on the given pictures): make_ov.py FP32.onnx PICTURES.f32 INT8.xml"""
import sys

import nncf
import numpy as np
import openvino as ov

import worker


def main(fp32, pictures, int8):
    data = nncf.Dataset([np.array(x[None]) for x in worker.pictures(pictures)])
    q = nncf.quantize(ov.Core().read_model(fp32), data, preset=nncf.QuantizationPreset.PERFORMANCE, subset_size=data.get_length() or 300)
    ov.save_model(q, int8, compress_to_fp16=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
