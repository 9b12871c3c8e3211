"""Runs programs in real Paddle: reads jobs from standard input, a JSON object a line, answers with a line each.

A job has "model" (the prefix of .pdmodel or .json and .pdiparams, or a folder with __model__), "mode", "inputs" (.npy files) and "output"
(the prefix of the _I.npy files to write). The answer has "outputs", their number, or "error". Modes:
  plain    Paddle's own CPU kernels, the program run as it stands
  default  with the passes that a predictor has by default
  onednn   enable_mkldnn()
  int8     enable_mkldnn() and enable_mkldnn_int8()
"""
import json
import os
import sys
import tempfile

import numpy as np
import paddle
from paddle.inference import Config, create_predictor


def predictor(model, mode):
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


def main():
    for line in sys.stdin:
        job = json.loads(line)
        try:
            outs = outputs(job["model"], job["mode"], [np.load(x) for x in job["inputs"]])
            for i, x in enumerate(outs):
                np.save("%s_%d.npy" % (job["output"], i), x)
            answer = {"outputs": len(outs), "paddle": paddle.__version__}
        except Exception as e:  # the next job is another program
            answer = {"error": " / ".join(str(e).strip().splitlines()[-3:])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
