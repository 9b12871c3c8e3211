#!/usr/bin/env python3
"""Draws small pictures and writes what Pillow makes of them.

    python3 -m venv v && v/bin/pip install pillow==12.2.0 numpy && v/bin/python make_golden.py

Beside this script it writes
    img/*        pictures as JPEG and PNG of every kind the package reads
    golden.json  the cases, in the order of their bytes in golden.bin.gz
    golden.bin.gz  expected bytes: RGB, or float32 for preprocessing

Pillow 13 changed the order of the resampling passes, so 12 or older is needed.
"""
import gzip
import io
import json
import os
import struct
import zlib

import numpy as np
import PIL
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
FILTERS = {'box': Image.BOX, 'bilinear': Image.BILINEAR, 'bicubic': Image.BICUBIC, 'lanczos': Image.LANCZOS}
cases, blob = [], bytearray()


def draw(w, h, channels=3, seed=1):
    """Waves, a disc with a hard edge, stripes of one pixel and a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    out = np.empty((h, w, channels))
    for c in range(channels):
        out[..., c] = 128 + 90 * np.sin(x / (3 + c) + c) * np.cos(y / (5 - c) + seed)
    out[(x - w * .6) ** 2 + (y - h * .4) ** 2 < (min(w, h) * .3) ** 2] = [250, 20, 60, 120][:channels]
    out[:, : w // 4][(x[:, : w // 4] + y[:, : w // 4]) % 2 == 0] += 70
    out += rng.normal(0, 6, out.shape)
    out = np.clip(out, 0, 255).astype(np.uint8)
    return out[..., 0] if channels == 1 else out


def add(kind, name, data, **more):
    cases.append(dict(kind=kind, name=name, bytes=len(data), **more))
    blob.extend(data)


def picture(name, content):
    """Writes a picture and records its decoded bytes."""
    with open(os.path.join(HERE, 'img', name), 'wb') as f:
        f.write(content)
    im = Image.open(io.BytesIO(content)).convert('RGB')
    add('decode', name, im.tobytes(), width=im.width, height=im.height)


def jpeg(a, mode=None, **kw):
    b = io.BytesIO()
    Image.fromarray(a, mode).save(b, 'JPEG', **kw)
    return bytearray(b.getvalue())


def segment(b, marker):
    """Offset of the first segment with the marker."""
    i = 2
    while b[i + 1] != marker:
        i += 2 + (b[i + 2] << 8 | b[i + 3])
    return i


def sampled(b, first):
    """The same data read with another sampling of the first component.

    The picture is scrambled by this, but valid: sizes are chosen so that the
    number of MCUs stays the same. Pillow cannot write 4:4:0 and 4:1:1 itself.
    """
    i = segment(b, 0xC0)
    b[i + 11] = first
    return b


def without_jfif(b):
    i = segment(b, 0xE0)
    del b[i:i + 2 + (b[i + 2] << 8 | b[i + 3])]
    return b


def named_rgb(b):
    """The same data with the letters R, G, B as component ids."""
    frame, scan = segment(b, 0xC0), segment(b, 0xDA)
    for i, letter in enumerate(b'RGB'):
        b[frame + 10 + 3 * i] = b[scan + 5 + 2 * i] = letter
    return b


def jpegs():
    rgb, odd, grey = draw(48, 32), draw(37, 29, seed=2), draw(37, 29, 1)
    for name, s in (('444', 0), ('422', 1), ('420', 2)):
        picture('rgb_%s.jpg' % name, jpeg(odd, quality=85, subsampling=s))
        picture('rgb_%s_progressive.jpg' % name, jpeg(odd, quality=90, subsampling=s, progressive=True))
    picture('rgb_440.jpg', sampled(jpeg(draw(32, 32), subsampling=1), 0x12))
    picture('rgb_411.jpg', sampled(jpeg(draw(32, 32), subsampling=2), 0x41))
    picture('rgb_410.jpg', sampled(jpeg(draw(32, 32), subsampling=2), 0x14))
    picture('quality1.jpg', jpeg(rgb, quality=1))
    picture('quality100.jpg', jpeg(rgb, quality=100, subsampling=0))
    picture('noise.jpg', jpeg(np.random.default_rng(3).integers(0, 256, (40, 40, 3), dtype=np.uint8), quality=100, subsampling=2))
    picture('restart.jpg', jpeg(rgb, restart_marker_blocks=2))
    picture('restart_progressive.jpg', jpeg(rgb, restart_marker_rows=1, progressive=True))
    picture('optimized.jpg', jpeg(rgb, optimize=True))
    picture('stored_rgb.jpg', jpeg(rgb, keep_rgb=True))
    picture('no_jfif.jpg', without_jfif(jpeg(rgb)))
    picture('jfif_named_rgb.jpg', named_rgb(jpeg(rgb)))
    picture('no_jfif_named_rgb.jpg', without_jfif(named_rgb(jpeg(rgb, subsampling=0))))
    picture('grey.jpg', jpeg(grey))
    picture('grey_progressive.jpg', jpeg(grey, progressive=True))
    grey_sampled = jpeg(grey)
    grey_sampled[segment(grey_sampled, 0xC0) + 11] = 0x22  # means nothing for one component
    picture('grey_sampled.jpg', grey_sampled)
    cmyk = draw(37, 29, 4)
    picture('cmyk.jpg', jpeg(cmyk, 'CMYK'))
    picture('cmyk_420.jpg', jpeg(cmyk, 'CMYK', subsampling=2))
    picture('cmyk_progressive.jpg', jpeg(cmyk, 'CMYK', progressive=True))
    ycck = jpeg(cmyk, 'CMYK', subsampling=0)
    ycck[segment(ycck, 0xEE) + 15] = 2
    picture('ycck.jpg', ycck)
    exif = Image.Exif()
    exif[0x112] = 6
    picture('exif_rotated.jpg', jpeg(odd, exif=exif))
    picture('trailing_bytes.jpg', jpeg(odd) + b'more bytes after the end')
    for w, h in ((1, 1), (2, 2), (3, 1), (1, 7), (4, 5), (5, 3), (16, 16), (17, 1), (1, 33)):
        picture('size_%dx%d_420.jpg' % (w, h), jpeg(draw(w, h), subsampling=2))
    for w in (3, 4, 5):
        picture('size_%dx2_422.jpg' % w, jpeg(draw(w, 2), subsampling=1))


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def png(w, h, depth, colour, rows, interlaced=False, extra=b''):
    """rows(x, y, dx, dy) gives the packed lines of a sub-lattice."""
    lattices = ADAM7 if interlaced else ((0, 0, 1, 1),)
    raw = b''.join(b'\0' + line for l in lattices if l[0] < w and l[1] < h for line in rows(*l))
    head = struct.pack('>IIBBBBB', w, h, depth, colour, 0, 0, int(interlaced))
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + extra + chunk(b'IDAT', zlib.compress(raw)) + chunk(b'IEND', b'')


def lines(a):
    return lambda x, y, dx, dy: [r.tobytes() for r in a[y::dy, x::dx]]


def packed(a, bits):
    """Lines of samples below 2**bits, first pixel in the upper bits."""
    def rows(x, y, dx, dy):
        for r in a[y::dy, x::dx]:
            b = (r[:, None] >> np.arange(bits - 1, -1, -1) & 1).astype(np.uint8).ravel()
            yield np.packbits(b).tobytes()
    return rows


def pngs():
    w, h = 37, 29
    rgb, grey = draw(w, h), draw(w, h, 1)
    alpha = (np.mgrid[0:h, 0:w][1] * 7 % 256).astype(np.uint8)

    def save(name, im, **kw):
        b = io.BytesIO()
        im.save(b, 'PNG', **kw)
        picture(name, b.getvalue())
    save('rgb.png', Image.fromarray(rgb))
    save('rgba.png', Image.fromarray(np.dstack([rgb, alpha])))
    save('rgb_trns.png', Image.fromarray(rgb), transparency=tuple(int(v) for v in rgb[3, 4]))
    save('grey.png', Image.fromarray(grey))
    save('grey_trns.png', Image.fromarray(grey), transparency=int(grey[3, 4]))
    save('grey_alpha.png', Image.fromarray(np.dstack([grey, alpha]), 'LA'))
    save('grey_1bit.png', Image.fromarray(grey > 128))
    palette = Image.fromarray(rgb).quantize(200)
    save('palette.png', palette)
    save('palette_trns.png', palette, transparency=bytes(range(55, 255)))
    for bits in (1, 2, 4):
        save('palette_%dbit.png' % bits, Image.fromarray(rgb).quantize(2 ** bits), bits=bits)
    for bits in (2, 4):
        picture('grey_%dbit.png' % bits, png(w, h, bits, 0, packed(grey >> (8 - bits), bits)))
    wide = (draw(w, h).astype('>u2') << 8) | np.random.default_rng(5).integers(0, 256, (h, w, 3)).astype('>u2')
    picture('rgb_16bit.png', png(w, h, 16, 2, lines(wide.astype('>u2'))))
    wide_alpha = np.dstack([wide, np.full((h, w), 12345)]).astype('>u2')
    picture('rgba_16bit.png', png(w, h, 16, 6, lines(wide_alpha)))
    picture('rgb_interlaced.png', png(w, h, 8, 2, lines(rgb), True))
    picture('grey_2bit_interlaced.png', png(w, h, 2, 0, packed(grey >> 6, 2), True))
    save('png_inside.jpg', Image.fromarray(rgb))
    animated = [Image.fromarray(draw(w, h, seed=s)) for s in (1, 2)]
    save('animated.png', animated[0], save_all=True, append_images=animated[1:], duration=50)
    for cw, ch in ((1, 1), (1, 40), (40, 1)):
        save('size_%dx%d.png' % (cw, ch), Image.fromarray(draw(cw, ch)))


def resizes():
    sizes = {
        'size_1x40.png': [(1, 13), (5, 5), (3, 90)],
        'size_40x1.png': [(13, 1), (90, 3)],
        'size_1x1.png': [(1, 1), (6, 4)],
        'rgb.png': [(37, 29), (23, 17), (18, 14), (64, 51), (37, 11), (11, 29), (90, 9), (9, 71), (5, 3), (2, 1), (1, 1)],
    }
    for source, targets in sizes.items():
        im = Image.open(os.path.join(HERE, 'img', source)).convert('RGB')
        for size in targets:
            for name, f in FILTERS.items():
                add('resize', source, im.resize(size, f).tobytes(), filter=name, width=size[0], height=size[1])


def preprocess(im, short, crop, resample, div, mean, std, bgr=False, nhwc=False):
    w, h = im.size
    if short:
        k = short / min(w, h)
        im = im.resize((round(w * k), round(h * k)), resample)
        w, h = im.size
    l, u = (w - crop) // 2, (h - crop) // 2
    x = np.asarray(im.crop((l, u, l + crop, u + crop)), np.float32)
    if bgr:
        x = x[..., ::-1]
    x = (x / np.float32(div) - np.float32(mean)) / np.float32(std)
    return np.ascontiguousarray(x if nhwc else x.transpose(2, 0, 1), np.float32).tobytes()


def preprocessings():
    imagenet = dict(div=255, mean=(.485, .456, .406), std=(.229, .224, .225))
    mobile = dict(div=127.5, mean=(1, 1, 1), std=(1, 1, 1))
    for source in ('rgb_420.jpg', 'rgb_444_progressive.jpg', 'size_5x3_420.jpg', 'rgb_422.jpg', 'cmyk.jpg', 'palette.png'):
        im = Image.open(os.path.join(HERE, 'img', source)).convert('RGB')
        for preset, a in (
                ('imagenet', dict(short=20, crop=17, **imagenet)),
                ('mobilenet', dict(short=40, crop=12, **mobile)),
                ('bgr_nhwc', dict(short=21, crop=16, bgr=True, nhwc=True, **imagenet)),
                ('unresized', dict(short=0, crop=3, **mobile))):
            for name, f in FILTERS.items():
                if name == 'lanczos' or preset == 'imagenet':
                    add('preprocess', source, preprocess(im, resample=f, **a), filter=name, preset=preset)


def main():
    if int(PIL.__version__.split('.')[0]) > 12:
        raise SystemExit('Pillow %s resamples in another order; use 12' % PIL.__version__)
    os.makedirs(os.path.join(HERE, 'img'), exist_ok=True)
    jpegs()
    pngs()
    resizes()
    preprocessings()
    with open(os.path.join(HERE, 'golden.json'), 'w') as f:
        f.write('{"pillow": "%s", "cases": [\n' % PIL.__version__)
        f.write(',\n'.join(json.dumps(c) for c in cases) + '\n]}\n')
    with open(os.path.join(HERE, 'golden.bin.gz'), 'wb') as f:
        f.write(gzip.compress(bytes(blob), 9, mtime=0))
    print(len(cases), 'cases,', len(blob), 'bytes')


if __name__ == '__main__':
    main()
