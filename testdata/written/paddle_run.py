"""Runs a model that Octet wrote in real Paddle.

  python paddle_run.py PREFIX IN SHAPE OUT MODE...

PREFIX.pdmodel and PREFIX.pdiparams make the model. IN holds pictures as bare float32 of the SHAPE, such as 80,3,48,48. For each MODE
the last fetch is written to OUT.MODE in the same way:
  plain    Paddle's own CPU kernels, the program run as it stands
  default  with the passes that a predictor has by default
  onednn   enable_mkldnn()
  int8     enable_mkldnn() and enable_mkldnn_int8()
A fed label is filled with zeros. Prints Paddle's version.
"""
import sys
import tempfile

import numpy as np
import paddle
from paddle.inference import Config, create_predictor

BATCH = 20


def predictor(prefix, mode):
    config = Config(prefix + ".pdmodel", prefix + ".pdiparams")
    config.disable_gpu()
    config.disable_glog_info()
    if mode == "plain":
        config.switch_ir_optim(False)
    elif mode in ("onednn", "int8"):
        config.enable_mkldnn()
    elif mode != "default":
        raise SystemExit(f"mode {mode}: want plain, default, onednn or int8")
    if mode == "int8":
        config.enable_mkldnn_int8()
        config.set_optim_cache_dir(tempfile.mkdtemp())
    return create_predictor(config)


def run(p, x):
    names = p.get_input_names()
    p.get_input_handle("image" if "image" in names else names[0]).copy_from_cpu(x)
    if "label" in names:
        p.get_input_handle("label").copy_from_cpu(np.zeros((len(x), 1), np.int64))
    p.run()
    return p.get_output_handle(p.get_output_names()[-1]).copy_to_cpu()


def main():
    prefix, images, shape, out = sys.argv[1:5]
    x = np.fromfile(images, np.float32).reshape([int(d) for d in shape.split(",")])
    for mode in sys.argv[5:]:
        p = predictor(prefix, mode)
        y = np.concatenate([run(p, x[i:i + BATCH]) for i in range(0, len(x), BATCH)])
        y.astype(np.float32).tofile(f"{out}.{mode}")
    print(paddle.__version__)


if __name__ == "__main__":
    main()
