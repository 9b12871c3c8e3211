"""Detectors with all that follows the convolutions: the boxes that Paddle's own operators make of them."""
import paddle
import paddle.nn.functional as F
from paddle import nn
from paddle.vision import ops

from blocks import Residual, conv, depthwise


def multiclass_nms(boxes, scores, **attrs):
    """multiclass_nms3, which Paddle offers in no function: boxes [N,M,4], scores [N,C,M] to rows of class, score and box."""
    attrs = dict(dict(background_label=0, score_threshold=0.05, nms_top_k=50, keep_top_k=20, nms_threshold=0.45, normalized=True, nms_eta=1.0), **attrs)
    order = ["score_threshold", "nms_top_k", "keep_top_k", "nms_threshold", "normalized", "nms_eta", "background_label"]
    if paddle.in_dynamic_mode() or hasattr(paddle.framework, "in_pir_mode") and paddle.framework.in_pir_mode():
        return paddle._C_ops.multiclass_nms3(boxes, scores, None, *[attrs[k] for k in order])[0]
    helper = paddle.base.layer_helper.LayerHelper("multiclass_nms3")
    outs = {"Out": helper.create_variable_for_type_inference("float32")}
    outs.update({slot: helper.create_variable_for_type_inference("int32") for slot in ("Index", "NmsRoisNum")})
    helper.append_op(type="multiclass_nms3", inputs={"BBoxes": boxes, "Scores": scores}, outputs=outs, attrs=attrs)
    return outs["Out"]


class Head(nn.Conv2D):
    """A convolution whose results mean something each: a narrow network has as many."""
    narrow_outputs = False


class SSD(nn.Layer):
    """MobileNet-SSD: MobileNet-V1 and four more pairs of convolutions; prior boxes, their decoding, the best of each class."""

    def __init__(self, classes=21, size=300):
        super().__init__()
        self.classes, self.size = classes, size
        steps = [(32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2)] + 5 * [(512, 512, 1)]
        pair = lambda cin, out, stride: nn.Sequential(depthwise(cin, 3, stride), conv(cin, out, 1))
        extra = lambda cin, mid, out: nn.Sequential(conv(cin, mid, 1), conv(mid, out, 3, 2))
        self.stages = nn.LayerList([
            nn.Sequential(conv(3, 32, 3, 2), *[pair(*s) for s in steps]),
            nn.Sequential(pair(512, 1024, 2), pair(1024, 1024, 1)),
            extra(1024, 256, 512), extra(512, 128, 256), extra(256, 128, 256), extra(256, 64, 128),
        ])
        self.ratios = [[2.0]] + 5 * [[2.0, 3.0]]
        self.sizes = [(60, None), (105, 150), (150, 195), (195, 240), (240, 285), (285, 300)]
        self.where, self.what = nn.LayerList(), nn.LayerList()
        for c, ratios, (_, most) in zip((512, 1024, 512, 256, 256, 128), self.ratios, self.sizes):
            count = 1 + 2 * len(ratios) + (most is not None)
            for heads, each in (self.where, 4), (self.what, classes):
                heads.append(Head(c, count * each, 3, padding=1))

    def forward(self, image):
        x, boxes, scores, priors, variances = image, [], [], [], []
        for stage, where, what, ratios, (least, most) in zip(self.stages, self.where, self.what, self.ratios, self.sizes):
            x = stage(x)
            boxes.append(where(x).transpose((0, 2, 3, 1)).reshape((0, -1, 4)))
            scores.append(what(x).transpose((0, 2, 3, 1)).reshape((0, -1, self.classes)))
            scale = self.size / 300
            prior, variance = ops.prior_box(x, image, [least * scale], [most * scale] if most else None, ratios, flip=True, offset=0.5)
            priors.append(prior.reshape((-1, 4)))
            variances.append(variance.reshape((-1, 4)))
        boxes = ops.box_coder(paddle.concat(priors), paddle.concat(variances), paddle.concat(boxes, axis=1), code_type="decode_center_size", axis=0)
        scores = F.softmax(paddle.concat(scores, axis=1)).transpose((0, 2, 1))
        return boxes, scores, multiclass_nms(boxes, scores)


class YOLO(nn.Layer):
    """A small YOLOv3: residual blocks with leaky relu, three heads with upsampling between, yolo_box, the best of each class."""

    def __init__(self, classes=20):
        super().__init__()
        self.classes = classes
        def stage(cin, out, count):
            blocks = [Residual(nn.Sequential(conv(out, out // 2, 1, act="leaky"), conv(out // 2, out, 3, act="leaky"))) for _ in range(count)]
            return nn.Sequential(conv(cin, out, 3, 2, act="leaky"), *blocks)
        self.stem = nn.Sequential(conv(3, 16, 3, act="leaky"), stage(16, 32, 1), stage(32, 64, 1))
        self.stages = nn.LayerList([stage(64, 128, 2), stage(128, 256, 2), stage(256, 512, 1)])
        self.necks = nn.LayerList([conv(512, 256, 1, act="leaky"), conv(128 + 256, 128, 1, act="leaky"), conv(64 + 128, 64, 1, act="leaky")])
        self.routes = nn.LayerList([conv(256, 128, 1, act="leaky"), conv(128, 64, 1, act="leaky")])
        self.heads = nn.LayerList([Head(c, 3 * (5 + classes), 1) for c in (256, 128, 64)])
        self.anchors = [[116, 90, 156, 198, 373, 326], [30, 61, 62, 45, 59, 119], [10, 13, 16, 30, 33, 23]]

    def forward(self, image, size):
        x, maps = self.stem(image), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        boxes, scores, route = [], [], None
        for i, m in enumerate(maps[::-1]):
            x = self.necks[i](m if route is None else paddle.concat([route, m], axis=1))
            box, score = ops.yolo_box(self.heads[i](x), size, self.anchors[i], self.classes, 0.005, 32 // 2**i, clip_bbox=True)
            boxes.append(box)
            scores.append(score.transpose((0, 2, 1)))
            if i < 2:
                route = F.interpolate(self.routes[i](x), scale_factor=2, mode="nearest")
        boxes, scores = paddle.concat(boxes, axis=1), paddle.concat(scores, axis=2)
        return boxes, scores, multiclass_nms(boxes, scores, background_label=-1, normalized=False)
