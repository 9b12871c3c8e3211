"""The networks of the zoo: FAMILIES maps a name to a Family.

Small ones (the goldens that are committed) have a fraction of the channels and, for most, smaller pictures.
"""
import contextlib
from collections import namedtuple

from paddle import nn
from paddle.vision import models

import classifiers
import detection
import ocr
from blocks import head

# family: the name in the table. make(classes) gives the network, which reads pictures of size (height, width). by divides the channels of
# the small one (0: there is none), small is the size of its pictures. form "fluid": Paddle 2.6 saves it as 1.x did. sized: it is also fed
# the size that each picture had. other: another size that the same program takes, so that what differs is open in it.
Family = namedtuple("Family", "family make size by small form sized other", defaults=(8, None, "", False, None))
FAMILIES = {}


def add(name, family, make, size, **more):
    assert name not in FAMILIES, name
    f = Family(family, make, size if isinstance(size, tuple) else (size, size), **more)
    small = f.small or f.size
    FAMILIES[name] = f._replace(small=small if isinstance(small, tuple) else (small, small))


def inception_v3(classes):
    # Its own classifier counts on 2048 channels.
    return nn.Sequential(models.InceptionV3(num_classes=0, with_pool=False), *head(2048, classes))


for depth in 18, 34, 50, 101, 152:
    add("resnet%d" % depth, "ResNet v1", lambda n, d=depth: classifiers.resnet(d, classes=n), 64, by=8 if depth in (18, 50) else 0,
        form="fluid" if depth == 50 else "")
    if depth > 34:  # without bottlenecks v1.5 is v1
        add("resnet%d_v1.5" % depth, "ResNet v1.5", lambda n, d=depth: getattr(models, "resnet%d" % d)(num_classes=n), 64, by=8 if depth == 50 else 0)
    add("resnet%d_vd" % depth, "ResNet vd", lambda n, d=depth: classifiers.resnet(d, "d", n), 64, by=8 if depth in (18, 50) else 0)
add("resnext50_32x4d", "ResNeXt", lambda n: models.resnext50_32x4d(num_classes=n), 64, by=0)
add("se_resnext50_32x4d", "SE-ResNeXt", lambda n: classifiers.resnet(50, classes=n, groups=32, width=4, se=16), 64, small=32)
add("densenet121", "DenseNet", lambda n: models.densenet121(num_classes=n), 64, small=32)
add("vgg11", "VGG", lambda n: models.vgg11(num_classes=n), 64, by=16, small=32, form="fluid")
add("vgg16_bn", "VGG", lambda n: models.vgg16(num_classes=n, batch_norm=True), 64, by=0)
add("alexnet", "AlexNet", lambda n: models.alexnet(num_classes=n), 224, by=16)
add("googlenet", "GoogLeNet", lambda n: models.googlenet(num_classes=n), 224)
add("inception_v3", "Inception v3", inception_v3, 139, by=16, small=107)
add("inception_v4", "Inception v4", lambda n: classifiers.inception_v4(n), 139, by=16, small=107)
add("squeezenet1_0", "SqueezeNet", lambda n: models.squeezenet1_0(num_classes=n), 96, by=0, form="fluid")
add("squeezenet1_1", "SqueezeNet", lambda n: models.squeezenet1_1(num_classes=n), 96, small=64)
add("mobilenet_v1", "MobileNet V1", lambda n: models.mobilenet_v1(num_classes=n), 64, small=32, form="fluid")
add("mobilenet_v2", "MobileNet V2", lambda n: models.mobilenet_v2(num_classes=n), 64, small=32)
add("mobilenet_v3_large", "MobileNet V3", lambda n: models.mobilenet_v3_large(num_classes=n), 64, by=0)
add("mobilenet_v3_small", "MobileNet V3", lambda n: models.mobilenet_v3_small(num_classes=n), 64, small=32)
add("shufflenet_v2_x0_25", "ShuffleNet V2", lambda n: models.shufflenet_v2_x0_25(num_classes=n), 64, by=4, small=32)
add("shufflenet_v2_x1_0", "ShuffleNet V2", lambda n: models.shufflenet_v2_x1_0(num_classes=n), 64, by=0)
add("shufflenet_v2_swish", "ShuffleNet V2", lambda n: models.shufflenet_v2_swish(num_classes=n), 64, by=0)
add("efficientnet_b0", "EfficientNet", lambda n: classifiers.efficientnet(n), 96, small=64)
add("pp_lcnet_x1_0", "PP-LCNet", lambda n: classifiers.lcnet(n), 64, small=32)
add("pp_hgnet_tiny", "PP-HGNet", lambda n: classifiers.hgnet(n), 64, small=32)
add("pp_hgnet_light", "PP-HGNet", lambda n: classifiers.hgnet(n, light=True), 64, small=32)
add("ppocr_det", "PP-OCR detection", lambda n: ocr.Detector(), (96, 160), small=(64, 96), other=(64, 128))
add("ppocr_rec", "PP-OCR recognition", lambda n: ocr.Recogniser(n), (32, 320), small=(32, 96), other=(32, 200))
add("ppocr_rec_svtr", "PP-OCR recognition", lambda n: ocr.Recogniser(n, mixer=True), (32, 320), small=(32, 96), other=(32, 200))
add("ppocr_cls", "PP-OCR angle", lambda n: ocr.angle(), (48, 192), small=(48, 96))
add("mobilenet_ssd", "MobileNet-SSD", lambda n: detection.SSD(), 300, small=160)
add("yolo_v3", "YOLO", lambda n: detection.YOLO(), 160, small=96, sized=True, other=(64, 128))


@contextlib.contextmanager
def narrow(by):
    """Divides the channels of all layers that are made meanwhile, but for those of pictures."""
    def fewer(n):
        if n == 3 or n < by:
            return n
        assert n % by == 0, "%d channels cannot be divided by %d" % (n, by)
        return n // by

    def outputs(layer, n):
        return fewer(n) if getattr(layer, "narrow_outputs", True) else n

    def convolution(init):
        def narrowed(self, in_channels, out_channels, *args, groups=1, **more):
            init(self, fewer(in_channels), outputs(self, out_channels), *args, groups=fewer(groups), **more)
        return narrowed

    def linear(init):
        return lambda self, in_features, out_features, *args, **more: init(self, fewer(in_features), fewer(out_features), *args, **more)

    def normalisation(init):
        def narrowed(self, *args, **more):
            if args:
                return init(self, fewer(args[0]), *args[1:], **more)
            key = "num_features" if "num_features" in more else "num_channels"
            init(self, **dict(more, **{key: fewer(more[key])}))
        return narrowed

    patches = {nn.Conv2D: convolution, nn.Conv2DTranspose: convolution, nn.Linear: linear,
               nn.BatchNorm2D: normalisation, nn.BatchNorm: normalisation, nn.LayerNorm: normalisation}
    old = {c: c.__init__ for c in patches}
    try:
        for c, patch in patches.items():
            c.__init__ = patch(old[c])
        yield
    finally:
        for c, init in old.items():
            c.__init__ = init
