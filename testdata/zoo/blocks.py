"""What the networks of the zoo are made of, where paddle.vision has none."""
import paddle
from paddle import nn

ACTS = {"relu": nn.ReLU, "relu6": nn.ReLU6, "swish": nn.Swish, "hardswish": nn.Hardswish, "leaky": lambda: nn.LeakyReLU(0.1), None: nn.Identity}


def conv(cin, cout, k, stride=1, groups=1, act="relu", padding=None):
    """Convolution, batch normalisation, activation. padding: half the window unless given."""
    if padding is None:
        padding = (k - 1) // 2 if isinstance(k, int) else [(d - 1) // 2 for d in k]
    layers = [nn.Conv2D(cin, cout, k, stride, padding, groups=groups, bias_attr=False), nn.BatchNorm2D(cout)]
    return nn.Sequential(*(layers + ([ACTS[act]()] if act else [])))


def depthwise(c, k, stride=1, act="relu", padding=None):
    return conv(c, c, k, stride, c, act, padding)


class SE(nn.Layer):
    """Squeeze and excitation: a gate for each channel."""

    def __init__(self, c, mid, act=nn.ReLU, gate=nn.Sigmoid):
        super().__init__()
        self.pool, self.squeeze, self.excite = nn.AdaptiveAvgPool2D(1), nn.Conv2D(c, mid, 1), nn.Conv2D(mid, c, 1)
        self.act, self.gate = act(), gate()

    def forward(self, x):
        return x * self.gate(self.excite(self.act(self.squeeze(self.pool(x)))))


class Residual(nn.Layer):
    """act(branch(x) + shortcut(x))."""

    def __init__(self, branch, shortcut=None, act=None):
        super().__init__()
        self.branch, self.shortcut, self.act = branch, shortcut or nn.Identity(), ACTS[act]()

    def forward(self, x):
        return self.act(self.branch(x) + self.shortcut(x))


class Branches(nn.Layer):
    """The concatenation of what several layers make of one map."""

    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.LayerList(branches)

    def forward(self, x):
        return paddle.concat([b(x) for b in self.branches], axis=1)


def head(c, classes):
    """From a map to the probabilities of classes."""
    return [nn.AdaptiveAvgPool2D(1), nn.Flatten(1), nn.Linear(c, classes), nn.Softmax()]
