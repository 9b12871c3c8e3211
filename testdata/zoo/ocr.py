"""The networks of PP-OCR that are made of convolutions: text detection (DB), recognition without LSTM, the angle of a line."""
import paddle
import paddle.nn.functional as F
from paddle import nn

from blocks import SE, Residual, conv, depthwise


def mobile(cin, expand, out, k, stride, act, se, same):
    block = [conv(cin, expand, 1, act=act), depthwise(expand, k, stride, act)]
    if se:
        block.append(SE(expand, -(-expand // 32) * 8, gate=nn.Hardsigmoid))
    block = nn.Sequential(*block, conv(expand, out, 1, act=None))
    return Residual(block) if same and cin == out else block


class RSE(nn.Layer):
    """x + SE(x) behind a convolution: the neck of PP-OCRv3's detector."""

    def __init__(self, cin, cout, k):
        super().__init__()
        self.conv, self.se = nn.Conv2D(cin, cout, k, padding=k // 2, bias_attr=False), SE(cout, cout // 4, gate=nn.Hardsigmoid)

    def forward(self, x):
        y = self.conv(x)
        return y + self.se(y)


class Detector(nn.Layer):
    """DB with MobileNetV3's blocks and an RSE-FPN: a map of the probability of text."""

    def __init__(self):
        super().__init__()
        self.stem = conv(3, 16, 3, 2, act="hardswish")
        self.stages = nn.LayerList([
            nn.Sequential(mobile(16, 16, 16, 3, 1, "relu", False, True), mobile(16, 64, 24, 3, 2, "relu", False, False)),
            nn.Sequential(mobile(24, 72, 40, 5, 2, "relu", True, False), mobile(40, 120, 40, 5, 1, "relu", True, True)),
            nn.Sequential(mobile(40, 240, 80, 3, 2, "hardswish", False, False), mobile(80, 184, 80, 3, 1, "hardswish", False, True)),
            nn.Sequential(mobile(80, 480, 160, 5, 2, "hardswish", True, False), conv(160, 480, 1, act="hardswish")),
        ])
        self.inner = nn.LayerList([RSE(c, 96, 1) for c in (24, 40, 80, 480)])
        self.outer = nn.LayerList([RSE(96, 24, 3) for _ in range(4)])
        self.head = nn.Sequential(conv(96, 24, 3), nn.Conv2DTranspose(24, 24, 2, 2), nn.BatchNorm2D(24), nn.ReLU(),
                                  nn.Conv2DTranspose(24, 1, 2, 2), nn.Sigmoid())

    def forward(self, x):
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        inner = [f(m) for f, m in zip(self.inner, maps)]
        for i in (2, 1, 0):
            inner[i] = inner[i] + F.interpolate(inner[i + 1], scale_factor=2, mode="nearest")
        outer = [f(m) for f, m in zip(self.outer, inner)]
        outer = [F.interpolate(m, scale_factor=2**i, mode="nearest") if i else m for i, m in enumerate(outer)]
        return self.head(paddle.concat(outer[::-1], axis=1))


class Attention(nn.Layer):
    """A global mixing block of SVTR."""

    def __init__(self, c, heads=8):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(c), nn.LayerNorm(c)
        self.qkv, self.out = nn.Linear(c, 3 * c), nn.Linear(c, c)
        self.up, self.down, self.act = nn.Linear(c, 2 * c), nn.Linear(2 * c, c), nn.Swish()
        self.each = self.qkv.weight.shape[1] // 3 // heads

    def forward(self, x):
        y = self.qkv(self.norm1(x)).reshape((0, -1, 3, self.heads, self.each)).transpose((2, 0, 3, 1, 4))
        q, k, v = y[0] * self.each**-0.5, y[1], y[2]
        y = F.softmax(q.matmul(k.transpose((0, 1, 3, 2))), axis=-1).matmul(v)
        x = x + self.out(y.transpose((0, 2, 1, 3)).reshape((0, -1, self.heads * self.each)))
        return x + self.down(self.act(self.up(self.norm2(x))))


class Recogniser(nn.Layer):
    """PP-OCRv3's recognition: MobileNetV1 with SE, lines of height 32, one distribution over characters a column. With mixer SVTR's
    blocks stand in the place of the LSTM, without it convolutions alone decide."""

    def __init__(self, characters=97, mixer=False):
        super().__init__()
        steps = [(32, 64, 3, 1, 0), (64, 128, 3, 1, 0), (128, 128, 3, 1, 0), (128, 256, 3, (2, 1), 0), (256, 256, 3, 1, 0), (256, 512, 3, (2, 1), 0),
                 (512, 512, 5, 1, 0), (512, 512, 5, 1, 0), (512, 512, 5, (2, 1), 1), (512, 512, 5, (1, 2), 1)]
        layers = [conv(3, 32, 3, 2, act="hardswish")]
        for cin, out, k, stride, se in steps:
            layers.append(depthwise(cin, k, stride, "hardswish"))
            if se:
                layers.append(SE(cin, cin // 4, gate=nn.Hardsigmoid))
            layers.append(conv(cin, out, 1, act="hardswish"))
        self.backbone = nn.Sequential(*layers, nn.AvgPool2D(2, 2))
        self.reduce = conv(512, 128, 1, act="swish")
        self.mixer = nn.Sequential(Attention(128), Attention(128), nn.LayerNorm(128)) if mixer else None
        self.fc = nn.Linear(128, characters)

    def forward(self, x):
        x = self.reduce(self.backbone(x)).squeeze(2).transpose((0, 2, 1))
        if self.mixer is not None:
            x = self.mixer(x)
        return F.softmax(self.fc(x), axis=2)


def angle():
    """The angle of a text line: MobileNetV3 small that halves the height more often than the width."""
    layers, cin = [conv(3, 16, 3, 2, act="hardswish")], 16
    for expand, out, k, stride, act, se in [
        (16, 16, 3, (2, 1), "relu", True), (72, 24, 3, (2, 1), "relu", False), (88, 24, 3, 1, "relu", False), (96, 40, 5, (2, 1), "hardswish", True),
        (240, 40, 5, 1, "hardswish", True), (120, 48, 5, 1, "hardswish", True), (288, 96, 5, (2, 1), "hardswish", True), (576, 96, 5, 1, "hardswish", True)]:
        layers.append(mobile(cin, expand, out, k, stride, act, se, stride == 1))
        cin = out
    last = [conv(cin, 576, 1, act="hardswish"), nn.MaxPool2D(2, 2), nn.AdaptiveAvgPool2D(1), nn.Flatten(1), nn.Linear(576, 2), nn.Softmax()]
    return nn.Sequential(*layers, *last)
