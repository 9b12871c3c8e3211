"""The two nets of the demo: ResNet-50's and MobileNet-V1's structure, small enough for 48 x 48 pictures and a few minutes.

Parameters carry the names PaddleClas gave the big nets (conv1_weights, bn_conv1_scale, res2a_branch2a_weights ...).

Nets trained for days on millions of pictures have channels of very different strength, and that is what makes them hard to
quantise; nets trained for ten minutes keep the even strength they started with. Two things stand in for the long training:
the scales of the batch norms start at exp(N(0, spread)), a different number for each channel, instead of one; and between
two rounds of training `deaden` switches off some channels of the ResNet.
"""
import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

INPUT = 48
CLASSES = 16
PARAMETERS = ("_weights", "_offset", "_scale", "_mean", "_variance")    # how their names end


class ConvBN(nn.Layer):
    """Convolution without bias, batch norm, activation (None, F.relu or F.relu6)."""

    def __init__(self, cin, cout, k, stride, name, bn, act, spread, rng, groups=1):
        super().__init__()
        fan = k * k * cin // groups
        w = rng.normal(0, (2.0 / fan) ** 0.5, (cout, cin // groups, k, k))
        gamma = np.exp(rng.normal(0, spread, cout))
        self.conv = nn.Conv2D(cin, cout, k, stride, k // 2, groups=groups, weight_attr=fixed(name + "_weights", w), bias_attr=False)
        self.bn = nn.BatchNorm(cout, param_attr=fixed(bn + "_scale", gamma), bias_attr=fixed(bn + "_offset", np.zeros(cout)),
                               moving_mean_name=bn + "_mean", moving_variance_name=bn + "_variance")
        self.act = act

    def forward(self, x):
        y = self.bn(self.conv(x))
        return self.act(y) if self.act else y


def fixed(name, value):
    return paddle.ParamAttr(name=name, initializer=nn.initializer.Assign(np.asarray(value, np.float32)))


class Bottleneck(nn.Layer):
    """1x1, 3x3 (with the stride, as ResNet-50 v1.5), 1x1, plus the input or its projection."""

    def __init__(self, cin, mid, stride, stage, spread, rng):
        super().__init__()
        res, bn, cout = "res" + stage + "_branch", "bn" + stage + "_branch", 4 * mid
        self.a = ConvBN(cin, mid, 1, 1, res + "2a", bn + "2a", F.relu, spread, rng)
        self.b = ConvBN(mid, mid, 3, stride, res + "2b", bn + "2b", F.relu, spread, rng)
        self.c = ConvBN(mid, cout, 1, 1, res + "2c", bn + "2c", None, spread, rng)
        self.short = None
        if stride != 1 or cin != cout:
            self.short = ConvBN(cin, cout, 1, stride, res + "1", bn + "1", None, spread, rng)

    def forward(self, x):
        y = self.c(self.b(self.a(x)))
        return F.relu(paddle.add(self.short(x) if self.short else x, y))


class Net(nn.Layer):
    """Features, global average, one fully connected layer. Returns logits; export.py adds what follows."""

    def __init__(self, blocks, channels, fc, rng):
        super().__init__()
        self.blocks = nn.LayerList(blocks)
        self.channels = channels
        w = rng.normal(0, channels ** -0.5, (channels, CLASSES))
        self.fc = nn.Linear(channels, CLASSES, weight_attr=fixed(fc + "_weights", w), bias_attr=fixed(fc + "_offset", np.zeros(CLASSES)))

    def features(self, x):
        for b in self.blocks[:1]:
            x = b(x)
        if self.pool_after_stem:
            x = F.max_pool2d(x, 3, 2, 1)
        for b in self.blocks[1:]:
            x = b(x)
        return x

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.features(x), 1)
        return self.fc(paddle.flatten(x, 1))


class ResNet(Net):
    """7x7 stem with stride 2, max pooling, three stages of two bottlenecks (mid 16, 32, 64): 12, 6 and 3 pixels."""
    pool_after_stem = True

    def __init__(self, seed=10, spread=0.5):
        rng = np.random.RandomState(seed)
        blocks = [ConvBN(3, 32, 7, 2, "conv1", "bn_conv1", F.relu, spread, rng)]
        cin = 32
        for i, mid in enumerate((16, 32, 64)):
            for j in range(2):
                stride = 2 if i > 0 and j == 0 else 1
                blocks.append(Bottleneck(cin, mid, stride, str(i + 2) + "ab"[j], spread, rng))
                cin = 4 * mid
        super().__init__(blocks, cin, "fc_0", rng)


class MobileNet(Net):
    """3x3 stem with stride 2, eight depthwise separable layers, ReLU6: 24, 12, 6 and 3 pixels."""
    pool_after_stem = False
    layers = ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1), (256, 2), (256, 1))

    def __init__(self, seed=20, spread=0.5):
        rng = np.random.RandomState(seed)
        blocks = [ConvBN(3, 16, 3, 2, "conv1", "conv1_bn", F.relu6, spread, rng)]
        cin = 16
        for i, (cout, stride) in enumerate(self.layers):
            n = f"conv{i + 2}"
            blocks.append(ConvBN(cin, cin, 3, stride, n + "_dw", n + "_dw_bn", F.relu6, spread, rng, groups=cin))
            blocks.append(ConvBN(cin, cout, 1, 1, n + "_sep", n + "_sep_bn", F.relu6, spread, rng))
            cin = cout
        super().__init__(blocks, cin, "fc7", rng)


NETS = {"resnet": ResNet, "mobilenet": MobileNet}


def deaden(params, share=8, strength=60.0):
    """Switches off the weakest 1/share of the channels behind the inner ReLUs of the bottlenecks, in place.

    Dead channels are common in big nets: a ReLU that never fires gets no gradient and stays so, while its folded weights may
    be far larger than all others. They do nothing in FP32, nothing to weights with a scale per channel, and take most of the
    range from weights with one scale per tensor. Here: scale `strength`, offset so low that the ReLU cannot fire. Training
    afterwards makes up for the lost channels and, for want of a gradient, leaves them as they are.
    """
    for name in params:
        if name.endswith(("branch2a_scale", "branch2b_scale")):
            scale, offset = params[name], params[name.replace("_scale", "_offset")]
            weak = np.argsort(abs(scale), kind="stable")[:len(scale) // share]
            scale[weak], offset[weak] = strength, -16 * strength
