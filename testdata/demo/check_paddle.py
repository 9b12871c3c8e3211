"""Runs a saved INT8 model in real Paddle and compares.

  python check_paddle.py MODEL DATA [--octet EVAL.json] [--inputs IN.npy --outputs OUT.npy] [--tolerance T]

MODEL is a folder with __model__ (+ __params__, or one file a parameter) or X.pdmodel + X.pdiparams, in the `fused` form (Paddle
>= 2.6 computes the `v13` form wrongly, without an error). Over DATA/val_list.txt it prints Paddle's counts as `octet eval --json`
names them; with --octet they must equal the int8 figures of such a file. With --inputs and --outputs Paddle's last fetch for
IN.npy must equal OUT.npy (what Octet returned) within T. Most rows agree to 1e-6; where the FP32 first convolution lands on the
edge between two integers, its order of summation decides, and such a row moves by a quantisation step (up to 0.017 in the
demo's probabilities; T allows three times that). Exit code 1 if something differs. Needs requirements.txt and a CPU
with AVX-512 VNNI; other CPUs saturate in 16 bits and round differently.
"""
import argparse
import glob
import json
import os
import sys

import numpy as np
from paddle.inference import Config, create_predictor

import pictures

BATCH = 80


def predictor(folder):
    """Paddle's predictor on oneDNN, the program run as it stands (no IR passes)."""
    two = glob.glob(os.path.join(folder, "*.pdmodel"))
    if two:
        config = Config(two[0], os.path.splitext(two[0])[0] + ".pdiparams")
    elif os.path.exists(os.path.join(folder, "__params__")):
        config = Config(os.path.join(folder, "__model__"), os.path.join(folder, "__params__"))
    else:
        config = Config(folder)
    config.disable_gpu()
    config.enable_mkldnn()
    config.switch_ir_optim(False)
    config.disable_glog_info()
    return create_predictor(config)


def run(p, image, label=None):
    """The last fetch, which is the probabilities in both demo models. A label is fed if the program wants one."""
    names = p.get_input_names()
    p.get_input_handle("image" if "image" in names else names[0]).copy_from_cpu(image)
    if "label" in names:
        p.get_input_handle("label").copy_from_cpu(np.zeros((len(image), 1), np.int64) if label is None else label)
    p.run()
    return p.get_output_handle(p.get_output_names()[-1]).copy_to_cpu()


def counts(p, data):
    x, y = pictures.read(data, "val")
    x = pictures.normalised(x)
    prob = np.concatenate([run(p, x[i:i + BATCH], y[i:i + BATCH]) for i in range(0, len(x), BATCH)])
    hits = np.argsort(-prob, axis=1, kind="stable") == y
    return {"images": len(y), "int8": {"top1": 100 * float(hits[:, :1].mean()), "top5": 100 * float(hits[:, :5].any(1).mean())}}


def main():
    a = argparse.ArgumentParser()
    a.add_argument("model")
    a.add_argument("data")
    a.add_argument("--octet")
    a.add_argument("--inputs")
    a.add_argument("--outputs")
    a.add_argument("--tolerance", type=float, default=0.05)
    a = a.parse_args()
    p, bad = predictor(a.model), False
    have = counts(p, a.data)
    print(json.dumps(have))
    if a.octet:
        with open(a.octet) as f:
            want = json.load(f)
        for k in ("top1", "top5"):
            if abs(want["int8"][k] - have["int8"][k]) > 50 / have["images"]:      # half a picture
                print(f"{k}: Octet {want['int8'][k]:.4f} %, Paddle {have['int8'][k]:.4f} %")
                bad = True
    if a.inputs:
        d = abs(run(p, np.load(a.inputs)) - np.load(a.outputs)).max(1)
        print(f"largest difference {d.max():.3g}, allowed {a.tolerance:g}; {(d > 1e-5).sum()} of {len(d)} rows beyond 1e-5")
        bad |= not d.max() <= a.tolerance
    sys.exit(bad)


if __name__ == "__main__":
    main()
