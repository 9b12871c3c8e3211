"""Makes the networks of the zoo with real Paddle, and what Paddle computes with them.

    python make.py OUT [--small] [NAME...]      # under Paddle 2.6.2 or 3.3.1; default: all

OUT/NAME holds the exported program (m.pdmodel, m.json, or __model__ with a file for each parameter) with its parameters, in_I.npy and
out_I.npy (what Paddle's plain CPU kernels compute in FP32), exact_I.npy (what Paddle computes with everything in float64: the referee
between two FP32 answers), calib_I.npy (inputs to calibrate on), where the program takes other sizes otherin_I.npy and otherout_I.npy of
such a size, and info.json. Weights come from numpy's generator, so they do not depend
on the version. Batch normalisations hold the statistics of random pictures, so that the maps of deep networks stay where those of trained
ones are. Small networks have few different weights, which compress well; they have no exact_I.npy and calib_I.npy.
"""
import argparse
import json
import os
import shutil
import sys
import zlib

import numpy as np
import paddle
from paddle import nn

import run
from families import FAMILIES, narrow

CLASSES, FEW_CLASSES = 100, 10
NORMS = nn.BatchNorm2D, nn.BatchNorm

# The mean of what normalisations add. With random weights and a mean of 0 a normalisation and the ReLU behind it enlarge differences by
# a fifth, on average over networks (Yang et al., "A Mean Field Theory of Batch Normalization", 2019): after a hundred layers the rounding
# of FP32 is 1e-4 of the answer, in any library. Trained networks do not do that, and neither do random ones of which ReLU cuts off less.
LIFT = 0.5


def pictures(rng, n, size):
    """Random pictures, smooth and coarse at once, about normalised."""
    x = 0.3 * rng.standard_normal((n, 3) + size)
    for cell in 4, 16, 64:
        coarse = rng.standard_normal((n, 3, size[0] // cell + 1, size[1] // cell + 1))
        x += 0.55 * np.kron(coarse, np.ones((cell, cell)))[:, :, :size[0], :size[1]]
    return x.astype("float32")


def fill(net, rng, few):
    """Random parameters, of the size that keeps maps in their range."""
    for layer in net.sublayers():
        weight, bias = getattr(layer, "weight", None), getattr(layer, "bias", None)
        if weight is None:
            continue
        shape = weight.shape
        if len(shape) == 1:  # a normalisation
            w = rng.uniform(0.6, 1.4, shape)
        else:
            inputs = shape[0] if len(shape) == 2 or isinstance(layer, nn.Conv2DTranspose) else np.prod(shape[1:])
            z = rng.standard_normal(shape)
            w = (np.clip(np.rint(2 * z), -3, 3) / 2 if few else z) * np.sqrt((1 if len(shape) == 2 else 2) / inputs)
        weight.set_value(w.astype("float32"))
        if bias is not None:
            lift = LIFT if isinstance(layer, NORMS) else 0
            bias.set_value((lift + 0.1 * rng.standard_normal(bias.shape)).astype("float32"))


def coarse(x):
    """x with eight bits of mantissa: the same whatever the last bits were."""
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.rint(mantissa * 256) / 256, exponent)


def settle(net, feeds):
    """Takes the statistics of the normalisations from one run."""
    net.eval()
    norms = [l for l in net.sublayers() if isinstance(l, NORMS)]
    for l in norms:
        l._momentum = 0.0
        l.train()
    with paddle.no_grad():
        net(*[paddle.to_tensor(x) for x in feeds])
    for l in norms:
        l._momentum = 0.9
        # A channel that hardly ever lives would be blown up where it does.
        v = l._variance.numpy()
        l._variance.set_value(coarse(np.maximum(v, 0.1 * np.median(v))).astype("float32"))
        l._mean.set_value(coarse(l._mean.numpy()).astype("float32"))
    net.eval()


def save(net, feeds, others, folder, form):
    prefix = os.path.join(folder, "m")
    names = ["image", "size"]
    dims = [[None] + [d if d == e else None for d, e in zip(x.shape[1:], y.shape[1:])] for x, y in zip(feeds, others or feeds)]
    spec = [paddle.static.InputSpec(dims[i], str(x.dtype), names[i]) for i, x in enumerate(feeds)]
    paddle.jit.save(paddle.jit.to_static(net, input_spec=spec), prefix)
    if form == "fluid" and os.path.exists(prefix + ".pdmodel"):
        return as_fluid(prefix, folder)
    for extra in ".pdiparams.info",:
        if os.path.exists(prefix + extra):
            os.remove(prefix + extra)
    return prefix


def as_fluid(prefix, folder):
    """The program under the name of 1.x, each parameter in a file of its own."""
    paddle.enable_static()
    scope, exe = paddle.static.Scope(), paddle.static.Executor(paddle.CPUPlace())
    with paddle.static.scope_guard(scope):
        program, _, _ = paddle.static.load_inference_model(prefix, exe)
        paddle.static.save_vars(exe, folder, program, predicate=lambda v: v.persistable and v.name not in ("feed", "fetch"))
    paddle.disable_static()
    os.rename(prefix + ".pdmodel", os.path.join(folder, "__model__"))
    for extra in ".pdiparams", ".pdiparams.info":
        os.remove(prefix + extra)
    return folder


def exact(net, feeds):
    """What net computes in float64. It keeps its parameters."""
    net.to(dtype="float64")
    with paddle.no_grad():
        outs = net(*[paddle.to_tensor(x.astype("float64") if x.dtype == np.float32 else x) for x in feeds])
    net.to(dtype="float32")
    return [o.numpy() for o in (outs if isinstance(outs, (list, tuple)) else [outs])]


def make(name, out, small):
    """Makes out/name unless it is there; until it is whole it has another name."""
    folder, part = os.path.join(out, name), os.path.join(out, name + ".part")
    if not os.path.exists(folder):
        shutil.rmtree(part, ignore_errors=True)
        fill_folder(name, part, small)
        os.rename(part, folder)


def fill_folder(name, folder, small):
    f = FAMILIES[name]
    rng = np.random.RandomState(zlib.crc32(name.encode()) % 2**31)
    size, by = (f.small, f.by) if small else (f.size, 1)
    paddle.utils.unique_name.switch()
    with narrow(by):
        net = f.make((FEW_CLASSES if small else CLASSES) * by)
    fill(net, rng, small)

    def feeds(n, size=size):
        x = [pictures(rng, n, size)]
        if small:
            x = [np.rint(4 * x[0]) / 4]
        if f.sized:
            x.append(np.tile(np.array([size], "int32"), (n, 1)))
        return x

    settle(net, feeds(64 if small else 24))
    inputs = feeds(2)
    os.makedirs(folder)
    files = {"in": inputs}
    if not small:
        files.update(calib=feeds(8), exact=exact(net, inputs))
    if f.other:
        files["otherin"] = feeds(3, f.other)
    program = save(net, inputs, files.get("otherin"), folder, f.form)
    files["out"] = run.outputs(program, "plain", inputs)
    if f.other:
        files["otherout"] = run.outputs(program, "plain", files["otherin"])
    for kind, arrays in files.items():
        for i, x in enumerate(arrays):
            np.save(os.path.join(folder, "%s_%d.npy" % (kind, i)), x)
    parameters = sum(int(np.prod(p.shape)) for p in net.parameters())
    with open(os.path.join(folder, "info.json"), "w") as out:
        json.dump({"family": f.family, "parameters": parameters, "size": list(size), "paddle": paddle.__version__}, out)
    ranges = ["%g..%g" % (o.min(), o.max()) if o.size else "none" for o in files["out"]]
    print("%s: %d parameters, %s" % (name, parameters, ", ".join(ranges)), flush=True)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("out")
    args.add_argument("--small", action="store_true")
    args.add_argument("names", nargs="*")
    args = args.parse_intermixed_args()
    failed = []
    for name in args.names or [n for n, f in FAMILIES.items() if f.by or not args.small]:
        try:
            make(name, args.out, args.small)
        except Exception as e:  # the others may do
            failed.append("%s: %s" % (name, " / ".join(str(e).strip().splitlines()[-3:])))
    for f in failed:
        print("FAILED " + f)
    sys.exit(len(failed) > 0)


if __name__ == "__main__":
    main()
