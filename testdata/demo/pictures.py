"""From the files of a list to a net's input, as preprocess.json says: centre crop, x / 127.5 - 1, NCHW. No resizing."""
import os

import numpy as np
from PIL import Image

import nets

PREPROCESS = {"resize_short": 0, "crop": nets.INPUT, "filter": "lanczos", "rounding": "even", "divide": 127.5,
              "mean": [1, 1, 1], "std": [1, 1, 1], "channels": "RGB", "layout": "NCHW"}


def centre(x):
    """Centre crop of uint8 [..., H, W, 3]."""
    top, left = (x.shape[-3] - nets.INPUT) // 2, (x.shape[-2] - nets.INPUT) // 2
    return x[..., top:top + nets.INPUT, left:left + nets.INPUT, :]


def normalised(x):
    """uint8 NHWC to float32 NCHW in [-1, 1]."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2), np.float32) / np.float32(127.5) - np.float32(1)


def read(data, name):
    """Cropped pixels uint8 [n, 48, 48, 3] and labels int64 [n, 1] of DATA/NAME_list.txt."""
    with open(os.path.join(data, name + "_list.txt")) as f:
        lines = [line.split() for line in f]
    x = [centre(np.asarray(Image.open(os.path.join(data, path)).convert("RGB"))) for path, _ in lines]
    return np.stack(x), np.array([[int(label)] for _, label in lines], np.int64)
