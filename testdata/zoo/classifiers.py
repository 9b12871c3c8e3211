"""Classifiers that paddle.vision.models does not have, after PaddleClas and the papers. Maps are NCHW."""
import paddle
from paddle import nn

from blocks import SE, Branches, Residual, conv, depthwise, head

DEPTHS = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3]}


def resnet(depth, variant="", classes=1000, groups=1, width=64, se=0):
    """ResNet as first published (the stride in the first 1×1 convolution), with variant "d" vd (three 3×3 convolutions first, the stride in
    the 3×3, averages in front of shortcuts); with groups ResNeXt, with se SE-ResNeXt."""
    late = variant == "d" or groups > 1
    stem = [conv(3, 32, 3, 2), conv(32, 32, 3), conv(32, 64, 3)] if variant == "d" else [conv(3, 64, 7, 2)]
    layers, cin = stem + [nn.MaxPool2D(3, 2, 1)], 64
    for stage, count in enumerate(DEPTHS[depth]):
        mid = 64 * 2**stage
        out = mid * (4 if depth >= 50 else 1)
        for i in range(count):
            stride = 2 if i == 0 and stage > 0 else 1
            if depth >= 50:
                inner = mid * width * groups // 64
                branch = [conv(cin, inner, 1, 1 if late else stride), conv(inner, inner, 3, stride if late else 1, groups), conv(inner, out, 1, act=None)]
            else:
                branch = [conv(cin, mid, 3, stride), conv(mid, out, 3, act=None)]
            if se:
                branch.append(SE(out, out // se))
            shortcut = None
            if cin != out and variant == "d" and stride == 2:
                shortcut = nn.Sequential(nn.AvgPool2D(2, 2, ceil_mode=True), conv(cin, out, 1, act=None))
            elif cin != out or stride == 2:
                shortcut = conv(cin, out, 1, stride, act=None)
            layers.append(Residual(nn.Sequential(*branch), shortcut, "relu"))
            cin = out
    return nn.Sequential(*layers, *head(cin, classes))


def efficientnet(classes=1000, depth=(1, 2, 2, 3, 3, 4, 1)):
    """EfficientNet-B0: swish, SE after the depthwise convolution, TensorFlow's SAME padding."""
    layers, cin = [conv(3, 32, 3, 2, act="swish", padding="SAME")], 32
    for (expand, out, stride, k), count in zip(
        [(1, 16, 1, 3), (6, 24, 2, 3), (6, 40, 2, 5), (6, 80, 2, 3), (6, 112, 1, 5), (6, 192, 2, 5), (6, 320, 1, 3)], depth):
        for i in range(count):
            mid, s = cin * expand, stride if i == 0 else 1
            block = [conv(cin, mid, 1, act="swish")] if expand > 1 else []
            block += [depthwise(mid, k, s, "swish", "SAME"), SE(mid, max(8, cin // 32 * 8), nn.Swish), conv(mid, out, 1, act=None)]
            block = nn.Sequential(*block)
            layers.append(Residual(block) if s == 1 and cin == out else block)
            cin = out
    return nn.Sequential(*layers, conv(cin, 1280, 1, act="swish"), *head(1280, classes))


def lcnet(classes=1000):
    """PP-LCNet x1.0: depthwise separable convolutions with hard_swish, SE in the last two."""
    layers, cin = [conv(3, 16, 3, 2, act="hardswish")], 16
    for k, out, stride, se in [(3, 32, 1, 0), (3, 64, 2, 0), (3, 64, 1, 0), (3, 128, 2, 0), (3, 128, 1, 0), (3, 256, 2, 0)] + 5 * [(5, 256, 1, 0)] + [
            (5, 512, 2, 1), (5, 512, 1, 1)]:
        layers.append(depthwise(cin, k, stride, "hardswish"))
        if se:
            layers.append(SE(cin, cin // 4, gate=nn.Hardsigmoid))
        layers.append(conv(cin, out, 1, act="hardswish"))
        cin = out
    last = [nn.AdaptiveAvgPool2D(1), nn.Conv2D(cin, 1280, 1, bias_attr=False), nn.Hardswish(), nn.Flatten(1), nn.Linear(1280, classes), nn.Softmax()]
    return nn.Sequential(*layers, *last)


class ESE(nn.Layer):
    """A gate of one convolution."""

    def __init__(self, c):
        super().__init__()
        self.pool, self.conv, self.gate = nn.AdaptiveAvgPool2D(1), nn.Conv2D(c, c, 1), nn.Sigmoid()

    def forward(self, x):
        return x * self.gate(self.conv(self.pool(x)))


class HGBlock(nn.Layer):
    """All maps on the way, joined; the block of PP-HGNet, or with light that of PP-HGNetV2."""

    def __init__(self, cin, mid, out, count, identity, light=False):
        super().__init__()
        one = (lambda c: nn.Sequential(conv(c, mid, 1, act=None), depthwise(mid, 5))) if light else (lambda c: conv(c, mid, 3))
        self.layers = nn.LayerList([one(cin if i == 0 else mid) for i in range(count)])
        total = cin + count * mid
        if light:
            self.aggregate = nn.Sequential(conv(total, out // 2, 1), conv(out // 2, out, 1))
        else:
            self.aggregate = nn.Sequential(conv(total, out, 1), ESE(out))
        self.identity = identity

    def forward(self, x):
        maps, y = [x], x
        for layer in self.layers:
            y = layer(y)
            maps.append(y)
        y = self.aggregate(paddle.concat(maps, axis=1))
        return y + x if self.identity else y


def hgnet(classes=1000, light=False):
    """PP-HGNet tiny, and with light the like of PP-HGNetV2."""
    layers, cin = [conv(3, 48, 3, 2), conv(48, 48, 3), conv(48, 96, 3), nn.MaxPool2D(3, 2, 1)], 96
    for i, (mid, out, blocks) in enumerate([(96, 224, 1), (128, 448, 1), (160, 512, 2), (192, 768, 1)]):
        if i > 0:
            layers.append(depthwise(cin, 3, 2, act=None))
        for b in range(blocks):
            layers.append(HGBlock(cin, mid, out, 5, b > 0, light and i > 1))
            cin = out
    last = [nn.AdaptiveAvgPool2D(1), nn.Conv2D(cin, 2048, 1, bias_attr=False), nn.ReLU(), nn.Flatten(1), nn.Linear(2048, classes), nn.Softmax()]
    return nn.Sequential(*layers, *last)


def inception_v4(classes=1000, a=4, b=7, c=3):
    def block(*steps):
        return nn.Sequential(*steps)

    def average(cin, out):
        return block(nn.AvgPool2D(3, 1, 1), conv(cin, out, 1))

    stem = [
        conv(3, 32, 3, 2, padding=0), conv(32, 32, 3, padding=0), conv(32, 64, 3),
        Branches(nn.MaxPool2D(3, 2), conv(64, 96, 3, 2, padding=0)),
        Branches(block(conv(160, 64, 1), conv(64, 96, 3, padding=0)),
                 block(conv(160, 64, 1), conv(64, 64, (7, 1)), conv(64, 64, (1, 7)), conv(64, 96, 3, padding=0))),
        Branches(conv(192, 192, 3, 2, padding=0), nn.MaxPool2D(3, 2)),
    ]
    stage_a = [Branches(conv(384, 96, 1), block(conv(384, 64, 1), conv(64, 96, 3)), block(conv(384, 64, 1), conv(64, 96, 3), conv(96, 96, 3)),
                        average(384, 96)) for _ in range(a)]
    reduce_a = Branches(conv(384, 384, 3, 2, padding=0), block(conv(384, 192, 1), conv(192, 224, 3), conv(224, 256, 3, 2, padding=0)), nn.MaxPool2D(3, 2))
    stage_b = [Branches(conv(1024, 384, 1), block(conv(1024, 192, 1), conv(192, 224, (1, 7)), conv(224, 256, (7, 1))),
                        block(conv(1024, 192, 1), conv(192, 192, (1, 7)), conv(192, 224, (7, 1)), conv(224, 224, (1, 7)), conv(224, 256, (7, 1))),
                        average(1024, 128)) for _ in range(b)]
    reduce_b = Branches(block(conv(1024, 192, 1), conv(192, 192, 3, 2, padding=0)),
                        block(conv(1024, 256, 1), conv(256, 256, (1, 7)), conv(256, 320, (7, 1)), conv(320, 320, 3, 2, padding=0)), nn.MaxPool2D(3, 2))
    stage_c = [Branches(conv(1536, 256, 1), block(conv(1536, 384, 1), Branches(conv(384, 256, (1, 3)), conv(384, 256, (3, 1)))),
                        block(conv(1536, 384, 1), conv(384, 448, (1, 3)), conv(448, 512, (3, 1)), Branches(conv(512, 256, (3, 1)), conv(512, 256, (1, 3)))),
                        average(1536, 256)) for _ in range(c)]
    return nn.Sequential(*stem, *stage_a, reduce_a, *stage_b, reduce_b, *stage_c, *head(1536, classes))
