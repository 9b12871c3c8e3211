"""Draws the demo's pictures: sixteen classes, four shapes times four textures.

  python draw.py OUT        writes OUT/{val,train}, OUT/{val,train}_list.txt and OUT/synset_words.txt

The layout is ImageNet's as Paddle's readers know it: a list has one "folder/file label" a line. `train` is here the small
calibration set; the pictures the nets were trained on come from the same function with other seeds (train.py) and are not kept.

Everything random comes from numpy's RandomState (its stream is frozen), seeded by set and index, so any picture can be drawn
alone. Only the JPEG bytes may change with the version of libjpeg inside Pillow.
"""
import io
import os
import sys

import numpy as np
from PIL import Image, ImageFilter

SIZE = 56          # side of a picture; the nets see the centre 48 x 48
OVERSAMPLE = 2     # pictures are drawn this much larger and averaged down
SHAPES = ("disc", "square", "triangle", "cross")
TEXTURES = ("stripes", "checks", "dots", "speckle")
CLASSES = [f"{t} {s}" for s in SHAPES for t in TEXTURES]
SETS = {"val": (1, 560), "train": (2, 80)}     # name: (seed, pictures); both hold every class equally often


def grid():
    """Pixel centres of the oversampled picture in pixels of the final one, origin in the middle."""
    n = SIZE * OVERSAMPLE
    axis = ((np.arange(n) + 0.5) / OVERSAMPLE - SIZE / 2).astype(np.float32)
    return np.meshgrid(axis, axis)


GRID = grid()


def turned(angle, cx=0.0, cy=0.0):
    """Coordinates of every pixel in a frame turned by angle around (cx, cy)."""
    x, y = GRID[0] - np.float32(cx), GRID[1] - np.float32(cy)
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return c * x + s * y, c * y - s * x


def inside(shape, u, v, r):
    """Mask of a shape of about equal area for equal r."""
    if shape == "disc":
        return u * u + v * v < (0.92 * r) ** 2
    if shape == "square":
        return np.maximum(abs(u), abs(v)) < 0.80 * r
    if shape == "triangle":
        k = np.float32(3 ** 0.5)
        return np.maximum(np.maximum(k * u + v, v - k * u) / 2, -v) < 0.66 * r
    au, av = abs(u), abs(v)                  # cross: two bars, 2.5 times as long as wide
    return np.minimum(np.maximum(au, 2.5 * av), np.maximum(2.5 * au, av)) < 1.05 * r


def texture(kind, rng, period):
    """0/1 pattern over the whole picture, turned and shifted at random."""
    u, v = turned(rng.uniform(0, np.pi), rng.uniform(-8, 8), rng.uniform(-8, 8))
    if kind == "stripes":
        return np.floor(2 * u / period) % 2
    if kind == "checks":
        return (np.floor(2 * u / period) + np.floor(2 * v / period)) % 2
    if kind == "dots":
        du, dv = (u / period) % 1 - 0.5, (v / period) % 1 - 0.5
        return (du * du + dv * dv < 0.13).astype(np.float32)
    cells = rng.randint(0, 2, (64, 64))      # speckle: checks without their order
    return cells[np.floor(2 * u / period).astype(int) % 64, np.floor(2 * v / period).astype(int) % 64]


def two_colours(rng, contrast):
    """Two colours at least `contrast` apart (mean over channels, of 255)."""
    while True:
        a, b = rng.uniform(0, 255, (2, 3)).astype(np.float32)
        if abs(a - b).mean() > contrast:
            return a, b


def background(rng):
    """A slow gradient, often with a faint texture of its own, and a few plain shapes that mean nothing."""
    a, b = rng.uniform(30, 225, (2, 3)).astype(np.float32)
    u, _ = turned(rng.uniform(0, 2 * np.pi))
    t = np.clip(u / SIZE + 0.5, 0, 1)[..., None]
    img = a * (1 - t) + b * t
    if rng.rand() < 0.5:
        faint = texture(TEXTURES[rng.randint(len(TEXTURES))], rng, rng.uniform(4, 12))
        img += (faint[..., None] - 0.5) * rng.uniform(8, 32)
    for _ in range(rng.randint(0, 5)):
        u, v = turned(rng.uniform(0, np.pi), *rng.uniform(-26, 26, 2))
        mask = inside(SHAPES[rng.randint(len(SHAPES))], u, v, rng.uniform(2, 7))
        img[mask] = rng.uniform(0, 255, 3)
    return img


def draw(rng, label):
    """One picture of the class as uint8 [SIZE, SIZE, 3], before JPEG."""
    shape, kind = SHAPES[label // len(TEXTURES)], TEXTURES[label % len(TEXTURES)]
    img = background(rng)
    radius = rng.uniform(12, 21)
    room = max(24 - radius, 2)               # most of the shape stays in the centre crop
    u, v = turned(rng.uniform(0, 2 * np.pi), *rng.uniform(-room, room, 2))
    mask = inside(shape, u, v, radius)
    a, b = two_colours(rng, rng.uniform(35, 90))
    pattern = texture(kind, rng, rng.uniform(4.5, 8.5))[..., None]
    img[mask] = (a * (1 - pattern) + b * pattern)[mask]
    for _ in range(rng.randint(0, 3)):       # thin lines over everything
        _, v = turned(rng.uniform(0, np.pi), *rng.uniform(-24, 24, 2))
        img[abs(v) < rng.uniform(0.4, 1.0)] = rng.uniform(0, 255, 3)
    n, k = SIZE, OVERSAMPLE
    img = img.reshape(n, k, n, k, 3).mean((1, 3))
    img = (img - 128) * rng.uniform(0.45, 1.0) + 128 + rng.uniform(-40, 40)
    soft = Image.fromarray(np.clip(img, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.1)))
    img = np.asarray(soft, np.float32) + rng.normal(0, rng.uniform(2, 17), (n, n, 3))
    return np.clip(np.rint(img), 0, 255).astype(np.uint8)


def jpeg(pixels, quality):
    """JPEG bytes without chroma subsampling, so that decoders agree within a grey level or two."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality, subsampling=0, optimize=True)
    return out.getvalue()


def picture(seed, index):
    """(JPEG bytes, label) of picture `index` of the set with this seed."""
    rng = np.random.RandomState([seed, index])
    label = index % len(CLASSES)
    return jpeg(draw(rng, label), int(rng.randint(72, 91))), label


def main(out):
    for name, (seed, count) in SETS.items():
        os.makedirs(os.path.join(out, name), exist_ok=True)
        lines = []
        for i in range(count):
            data, label = picture(seed, i)
            path = f"{name}/{name}_{i:05d}.jpg"
            with open(os.path.join(out, path), "wb") as f:
                f.write(data)
            lines.append(f"{path} {label}\n")
        with open(os.path.join(out, f"{name}_list.txt"), "w") as f:
            f.writelines(lines)
    with open(os.path.join(out, "synset_words.txt"), "w") as f:
        f.writelines(f"n{i:08d} {c}\n" for i, c in enumerate(CLASSES))


if __name__ == "__main__":
    main(sys.argv[1])
