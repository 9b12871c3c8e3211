"""How INT8 treats the demo's nets, simulated in floating point: which careless choices lose, and by how much.

  python simulate.py NET BUILD DATA        BUILD holds NET.npz, DATA the pictures

Batch norms are folded, weights and activations rounded to the grid their scales give; the first convolution and the softmax stay
FP32, a residual sum is rounded once, after its ReLU. The calibration set is DATA's train list. This is a check on the demo
(careless INT8 must visibly lose, careful INT8 must not), independent of Octet; Octet's own numbers come from `make demo`.
"""
import os
import sys

import numpy as np
import paddle

import nets
import pictures

BINS, LEVELS = 2048, 255


def kl13(samples):
    """Threshold of Paddle 1.3's calibrator: 2048 bins on [min, max] of |x|, candidates from 70 % of them on, the last bin never
    a candidate; the clipped histogram against itself in 255 groups, by Kullback-Leibler divergence."""
    hist, edges = np.histogram(samples, BINS)
    first = int((BINS - 1) * 0.7)
    best, at = np.inf, first
    for n in range(first, BINS):
        if hist[n - 1] == 0:
            continue
        p = hist[:n].astype(np.float64)
        p[n - 1] += hist[n:].sum()
        group = np.minimum(np.arange(n) // (n // LEVELS), LEVELS - 1)
        live = p != 0
        mass = np.bincount(group, hist[:n], LEVELS) / np.maximum(np.bincount(group, live, LEVELS), 1)
        q = np.where(live, mass[group], 0)
        d = (p[live] * np.log(p[live] * q.sum() / q[live])).sum()
        if d < best:
            best, at = d, n
    return (at + 0.5) * (edges[1] - edges[0])


class Scheme:
    """Thresholds by `algorithm`; weights per channel or per tensor; u8 behind a ReLU or s8 everywhere."""

    def __init__(self, algorithm=np.max, per_channel=True, unsigned=True):
        self.algorithm, self.per_channel, self.unsigned = algorithm, per_channel, unsigned

    def weights(self, w):
        """Rounds weights whose axis 0 is the output channel."""
        axes = tuple(range(1, w.ndim)) if self.per_channel else None
        s = np.maximum(abs(w).max(axis=axes, keepdims=True), 1e-30) / 127
        return np.rint(w / s) * s

    def activation(self, name, x, thresholds, samples):
        """Records x while calibrating, rounds it afterwards."""
        if samples is not None:
            samples.setdefault(name, []).append(abs(x.numpy()).ravel())
            return x
        levels = 255 if self.unsigned and float(x.min()) >= 0 else 127
        s = thresholds[name] / levels
        return paddle.clip(paddle.round(x / s), 0 if levels == 255 else -127, levels) * s


class Simulation:
    """One net under one scheme; scheme None is FP32."""

    def __init__(self, net, scheme):
        self.net, self.scheme, self.thresholds, self.samples = net, scheme, {}, None

    def calibrate(self, x):
        self.samples = {}
        for i in range(0, len(x), 8):
            self.forward(x[i:i + 8])
        self.thresholds = {k: float(self.scheme.algorithm(np.concatenate(v))) for k, v in self.samples.items()}
        self.samples = None

    def quantised(self, name, x):
        return self.scheme.activation(name, x, self.thresholds, self.samples) if self.scheme else x

    def layer(self, b, x, first=False):
        """Folded convolution, without activation."""
        bn = b.bn
        f = (bn.weight / paddle.sqrt(bn._variance + 1e-5)).numpy()
        w, bias = b.conv.weight.numpy() * f[:, None, None, None], bn.bias.numpy() - bn._mean.numpy() * f
        if self.scheme and self.samples is None and not first:
            w = self.scheme.weights(w)
        return paddle.nn.functional.conv2d(x, paddle.to_tensor(w), paddle.to_tensor(bias), b.conv._stride, b.conv._padding, 1, b.conv._groups)

    def block(self, i, b, x):
        if isinstance(b, nets.ConvBN):
            return self.quantised(f"{i}", b.act(self.layer(b, x, first=i == 0)))
        short = self.quantised(f"{i}s", self.layer(b.short, x)) if b.short else x
        y = self.quantised(f"{i}a", b.a.act(self.layer(b.a, x)))
        y = self.quantised(f"{i}b", b.b.act(self.layer(b.b, y)))
        return self.quantised(f"{i}c", paddle.nn.functional.relu(self.layer(b.c, y) + short))

    def forward(self, x):
        for i, b in enumerate(self.net.blocks):
            x = self.block(i, b, x)
            if i == 0 and self.net.pool_after_stem:
                x = paddle.nn.functional.max_pool2d(x, 3, 2, 1)
        x = self.quantised("pool", x.mean((2, 3)))
        w = self.net.fc.weight.numpy()
        if self.scheme and self.samples is None:
            w = self.scheme.weights(w.T).T
        return paddle.matmul(x, paddle.to_tensor(w)) + self.net.fc.bias

    def top1(self, x):
        return np.concatenate([self.forward(x[i:i + 80]).numpy().argmax(1) for i in range(0, len(x), 80)])


SCHEMES = (
    ("FP32", None),
    ("max, weights per channel, u8", Scheme()),
    ("99.99 percentile, weights per channel, u8", Scheme(lambda a: np.quantile(a, 0.9999))),
    ("max, weights per tensor, u8", Scheme(per_channel=False)),
    ("max, weights per tensor, s8", Scheme(per_channel=False, unsigned=False)),
    ("KL of 1.3, weights per channel, u8", Scheme(kl13)),
    ("KL of 1.3, weights per tensor, s8", Scheme(kl13, per_channel=False, unsigned=False)),
)


def main(name, build, data):
    x, y = pictures.read(data, "val")
    x, calibration = paddle.to_tensor(pictures.normalised(x)), paddle.to_tensor(pictures.normalised(pictures.read(data, "train")[0]))
    net, params = nets.NETS[name](), np.load(os.path.join(build, name + ".npz"))
    for v in net.state_dict().values():
        v.set_value(params[v.name])
    net.eval()
    fp32 = None
    for title, scheme in SCHEMES:
        sim = Simulation(net, scheme)
        if scheme:
            sim.calibrate(calibration)
        top = sim.top1(x)
        fp32 = top if fp32 is None else fp32
        print(f"{name:10} {title:44} top-1 {100 * (top == y[:, 0]).mean():6.2f} %   agrees with FP32 "
              f"{100 * (top == fp32).mean():6.2f} %", flush=True)


if __name__ == "__main__":
    with paddle.no_grad():
        main(*sys.argv[1:4])
