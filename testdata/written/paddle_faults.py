"""Minimal programs that real Paddle (2.6.2, 3.3.1) fails to run, and how Octet's files avoid each (docs/from-paddle.md).

  python paddle_faults.py

Prints a line for each: what Paddle says of the program, and of the one that Octet writes in its place. Exits with 1 if a program that should
fail runs, which means that a workaround has become needless, or if one of Octet's fails.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

os.environ["FLAGS_enable_pir_api"] = "0"  # Paddle 3 has raw operators only in programs of the old kind
import paddle
from paddle.inference import Config, create_predictor

RNG = np.random.default_rng(1)


class Net:
    """A static program with an input x, of raw operators."""

    def __init__(self, shape):
        self.program, self.startup, self.n, self.params = paddle.static.Program(), paddle.static.Program(), 0, {}
        self.x = x = np.abs(RNG.standard_normal(shape)).astype("float32")
        with paddle.static.program_guard(self.program, self.startup):
            self.var = paddle.static.data("x", x.shape, "float32")
        self.block = self.program.global_block()

    def param(self, value):
        name = "p%d" % len(self.params)
        self.params[name] = np.asarray(value, "float32")
        return self.block.create_var(name=name, shape=self.params[name].shape, dtype="float32", persistable=True)

    def op(self, typ, inputs, out, shape, **attrs):
        self.n += 1
        # Kernels go by what they get; Paddle 3 would "promote" declared integers.
        v = self.block.create_var(name="v%d" % self.n, shape=shape, dtype="float32")
        self.block.append_op(type=typ, inputs=inputs, outputs={out: v}, attrs=attrs)
        return v

    def quantize(self, x):
        return self.op("quantize", {"Input": x}, "Output", x.shape, Scale=60.0, is_negative_input=False, use_mkldnn=True)

    def conv(self, x, channels, real):
        w = self.param(RNG.standard_normal((channels, x.shape[1], 1, 1)))
        out = [x.shape[0], channels, *x.shape[2:]]
        return self.op("fused_conv2d", {"Input": x, "Filter": w}, "Output", out, strides=[1, 1], paddings=[0, 0], dilations=[1, 1], groups=1,
                       padding_algorithm="EXPLICIT", data_format="NCHW", use_mkldnn=True, is_test=True, mkldnn_data_type="int8", fuse_activation="",
                       Scale_in=60.0, Scale_out=20.0, Scale_weights=[40.0] * channels, force_fp32_output=real)

    def fc(self, x, width, real, act=""):
        inner = int(np.prod(x.shape[1:]))
        w, b = self.param(RNG.standard_normal((inner, width)) / inner**0.5), self.param(np.zeros(width))
        return self.op("fc", {"Input": x, "W": w, "Bias": b}, "Out", [x.shape[0], width], in_num_col_dims=1, activation_type=act, use_mkldnn=True,
                       mkldnn_data_type="int8", Scale_in=60.0, Scale_out=60.0, Scale_weights=[60.0] * width, force_fp32_output=real)

    def linear(self, typ, x, scale):
        return self.op(typ, {"X": x, "Scale": scale, "ZeroPoint": self.param([0.0])}, "Y", x.shape, quant_axis=-1, bit_length=8, round_type=0,
                       is_test=True, only_observer=False)

    def run(self, fetch, mode):
        """What Paddle says: the last line of its error, or "runs"."""
        exe = paddle.static.Executor(paddle.CPUPlace())
        for name, value in self.params.items():
            paddle.static.global_scope().var(name).get_tensor().set(value, paddle.CPUPlace())
        prefix = tempfile.mkdtemp() + "/m"
        paddle.static.save_inference_model(prefix, [self.var], [fetch], exe, program=self.program)
        c = Config(prefix + ".pdmodel", prefix + ".pdiparams")
        c.disable_gpu()
        c.disable_glog_info()
        if mode != "default":
            c.enable_mkldnn()
        if mode == "int8":
            c.enable_mkldnn_int8()
            c.set_optim_cache_dir(tempfile.mkdtemp())
        try:
            p = create_predictor(c)
            p.get_input_handle("x").copy_from_cpu(self.x)
            p.run()
            return "runs"
        except Exception as e:
            return next(l for l in str(e).splitlines() if l.strip())


def residual(octet):
    n = Net((1, 4, 6, 6))
    b = n.op("relu", {"X": n.var}, "Out", n.var.shape)
    a = n.conv(n.quantize(b), 4, real=True)
    if octet:
        return n.run(n.op("sum", {"X": [a, b]}, "Out", a.shape), "onednn")
    return n.run(n.op("elementwise_add", {"X": a, "Y": b}, "Out", a.shape, axis=-1), "onednn")


def fc_row(octet):
    n = Net((1, 16))
    a = n.fc(n.quantize(n.var), 16, False, "relu")
    if octet:
        a = n.op("assign", {"X": a}, "Out", a.shape)
    b = n.fc(a, 16, False, "relu")
    return n.run(n.fc(b, 4, True), "default")


def fc_map(octet):
    n = Net((1, 4, 3, 3))
    a = n.conv(n.quantize(n.var), 8, real=False)
    if octet:
        shape = n.block.create_var(name="xshape", shape=[0, *a.shape], dtype="float32")
        v = n.block.create_var(name="flat", shape=[1, 72], dtype="float32")
        n.block.append_op(type="reshape2", inputs={"X": a}, outputs={"Out": v, "XShape": shape}, attrs={"shape": [0, 72], "use_mkldnn": True})
        a = v
    return n.run(n.fc(a, 4, True), "default")


def pool(octet):
    n = Net((1, 4, 2, 2))
    scale = n.param([4.0])
    x = n.linear("dequantize_linear", n.linear("quantize_linear", n.var, scale), scale)
    y = n.op("pool2d", {"X": x}, "Out", [1, 4, 7, 7], pooling_type="avg", ksize=[7, 7], adaptive=True, strides=[1, 1], paddings=[0, 0])
    if octet:
        n.block.ops[-1]._set_attr("skip_quant", 1)  # append_op drops what the operator does not declare
    return n.run(n.linear("dequantize_linear", n.linear("quantize_linear", y, scale), scale), "int8")


def pad(octet):
    n = Net((1, 3, 32, 32))
    out = [1, 3, 38, 38]
    if octet:
        shape = n.block.create_var(name="xshape", shape=[0, 3, 32, 32], dtype="float32")
        x = n.block.create_var(name="flat", shape=[1, 3, 1, 32, 32], dtype="float32")
        n.block.append_op(type="unsqueeze2", inputs={"X": n.var}, outputs={"Out": x, "XShape": shape}, attrs={"axes": [2]})
        x = n.op("pad3d", {"X": x}, "Out", [1, 3, 1, 38, 38], paddings=[3, 3, 3, 3, 0, 0], mode="constant", value=0.0, data_format="NCDHW")
        y = n.block.create_var(name="padded", shape=out, dtype="float32")
        n.block.append_op(type="squeeze2", inputs={"X": x}, outputs={"Out": y, "XShape": shape}, attrs={"axes": [2]})
    else:
        y = n.op("pad", {"X": n.var}, "Out", out, paddings=[0, 0, 0, 0, 3, 3, 3, 3], pad_value=0.0)
    return n.run(n.op("elementwise_mul", {"X": y, "Y": n.param(np.ones((1, 3, 1, 1)))}, "Out", out, axis=-1), "onednn")


def apart(case, octet):
    """What comes of a case in a process of its own, which may die of it."""
    done = subprocess.run([sys.executable, __file__, case, "octet" if octet else "theirs"], capture_output=True, text=True)
    if done.returncode < 0:
        return "dies of signal %d" % -done.returncode
    return done.stdout.strip().splitlines()[-1]


def main():
    paddle.enable_static()
    if len(sys.argv) == 3:
        print(globals()[sys.argv[1]](sys.argv[2] == "octet"))
        return 0
    bad = 0
    for case in residual, fc_row, fc_map, pool, pad:
        with paddle.static.scope_guard(paddle.static.Scope()):
            theirs, ours = (apart("pad", False), apart("pad", True)) if case is pad else (case(False), case(True))
        print("%s: %s; as Octet writes it: %s" % (case.__name__, theirs, ours), flush=True)
        bad += theirs == "runs" or ours != "runs"
    print("Paddle %s: %d of 5 as described" % (paddle.__version__, 5 - bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
