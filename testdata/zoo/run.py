"""Runs a program in real Paddle, in one of several modes:

  plain    Paddle's own CPU kernels, the program run as it stands
  default  with the passes that a predictor has by default
  onednn   enable_mkldnn()
  int8     enable_mkldnn() and enable_mkldnn_int8()
"""
import os
import tempfile

import numpy as np
from paddle.inference import Config, create_predictor


def predictor(model, mode):
    """model: the prefix of .pdmodel or .json and .pdiparams, or a folder with __model__."""
    if os.path.isdir(model):
        config = Config(model)
    else:
        program = model + (".json" if os.path.exists(model + ".json") else ".pdmodel")
        config = Config(program, model + ".pdiparams")
    config.disable_gpu()
    config.disable_glog_info()
    if mode == "plain":
        config.switch_ir_optim(False)
        if hasattr(config, "disable_mkldnn"):  # Paddle 3 has oneDNN on unless told otherwise
            config.disable_mkldnn()
    elif mode in ("onednn", "int8"):
        config.enable_mkldnn()
    elif mode != "default":
        raise ValueError("mode %s: want plain, default, onednn or int8" % mode)
    if mode == "int8":
        config.enable_mkldnn_int8()
        config.set_optim_cache_dir(tempfile.mkdtemp())
    return create_predictor(config)


def outputs(model, mode, inputs):
    p = predictor(model, mode)
    for name, x in zip(p.get_input_names(), inputs):
        p.get_input_handle(name).copy_from_cpu(np.ascontiguousarray(x))
    p.run()
    return [p.get_output_handle(n).copy_to_cpu() for n in p.get_output_names()]
