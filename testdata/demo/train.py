"""Trains one of the demo's nets with Paddle 2.6.2 on pictures that draw.py makes on the way.

  python train.py NET OUT [--pictures N] [--epochs E] [--seed S] [--start FILE.npz [--deaden]]

NET is resnet or mobilenet; writes OUT/NET.npz. S chooses the training pictures.
--start goes on from an earlier result, --deaden first switches channels off.
Neither the validation nor the calibration pictures take part. The seeds are fixed; results still depend on the number of
threads and on the CPU, because float sums are not associative, so a second run gives a net of about the same accuracy, not
the same bytes.
"""
import argparse
import io
import os
import time

import numpy as np
import paddle
import paddle.nn.functional as F
from PIL import Image

import draw
import nets
from pictures import centre, normalised

HOLDOUT_SEED = 4      # draw.SETS has 1 and 2; training takes 3 and 5
BATCH = 32


def drawn(seed, count):
    """Decoded uint8 [count, SIZE, SIZE, 3] and labels; through JPEG, as everything the nets will ever see."""
    x = np.empty((count, draw.SIZE, draw.SIZE, 3), np.uint8)
    y = np.empty((count, 1), np.int64)
    for i in range(count):
        data, y[i] = draw.picture(seed, i)
        x[i] = np.asarray(Image.open(io.BytesIO(data)))
    return x, y


def augmented(x, rng):
    """Random crop, mirror and quarter turn: none of them changes a class."""
    out = np.empty((len(x), nets.INPUT, nets.INPUT, 3), np.uint8)
    for i, p in enumerate(x):
        a, b = rng.randint(0, draw.SIZE - nets.INPUT + 1, 2)
        p = np.rot90(p[a:a + nets.INPUT, b:b + nets.INPUT], rng.randint(4))
        out[i] = p[:, ::-1] if rng.rand() < 0.5 else p
    return out


class Trainer:
    """A static training program, its test clone, and an executor. Static, because only there can one ask for oneDNN's
    convolutions: Paddle's own depthwise kernels take six times as long."""

    def __init__(self, net, steps, rate):
        image = paddle.static.data("image", [None, 3, nets.INPUT, nets.INPUT])
        label = paddle.static.data("label", [None, 1], "int64")
        logits = net(image)
        self.logits = logits.name
        self.loss = F.cross_entropy(logits, label)
        self.main = paddle.static.default_main_program()
        self.test = self.main.clone(for_test=True)
        cosine = paddle.optimizer.lr.CosineAnnealingDecay(rate, steps)
        self.schedule = paddle.optimizer.lr.LinearWarmup(cosine, max(1, steps // 20), 0, rate)
        paddle.optimizer.AdamW(self.schedule, weight_decay=0.02,
                               apply_decay_param_fun=lambda n: n.endswith("_weights")).minimize(self.loss)
        for op in self.main.global_block().ops:
            if op.type.replace("_grad", "") in ("conv2d", "depthwise_conv2d"):
                op._set_attr("use_mkldnn", True)
        self.exe = paddle.static.Executor(paddle.CPUPlace())
        self.exe.run(paddle.static.default_startup_program())

    def load(self, params):
        for name, value in params.items():
            paddle.static.global_scope().find_var(name).get_tensor().set(value, paddle.CPUPlace())

    def step(self, x, y):
        loss, = self.exe.run(self.main, {"image": normalised(x), "label": y}, [self.loss])
        self.schedule.step()
        return float(loss)

    def accuracy(self, x, y):
        out = [self.exe.run(self.test, {"image": normalised(centre(x[i:i + BATCH])), "label": y[i:i + BATCH]}, [self.logits])[0]
               for i in range(0, len(x), BATCH)]
        return float((np.concatenate(out).argmax(1) == y[:, 0]).mean())

    def parameters(self):
        """Every parameter and moving average by name (the optimiser's own variables left out)."""
        scope = paddle.static.global_scope()
        names = [v.name for v in self.test.list_vars() if v.persistable and v.name.endswith(nets.PARAMETERS)]
        return {n: np.array(scope.find_var(n).get_tensor()) for n in names}


def train(trainer, x, y, hold, epochs):
    rng = np.random.RandomState(5)
    for epoch in range(epochs):
        start, total = time.time(), 0.0
        order = rng.permutation(len(x))
        for i in range(0, len(x) - BATCH + 1, BATCH):
            pick = order[i:i + BATCH]
            total += trainer.step(augmented(x[pick], rng), y[pick])
        print(f"epoch {epoch + 1}/{epochs}: loss {total * BATCH / len(x):.4f}, held out {trainer.accuracy(*hold):.4f}, "
              f"{time.time() - start:.0f} s", flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("net", choices=nets.NETS)
    p.add_argument("out")
    p.add_argument("--pictures", type=int, default=20000)
    p.add_argument("--epochs", type=int, default=12)
    p.add_argument("--rate", type=float, default=0.003)
    p.add_argument("--seed", type=int, default=3)
    p.add_argument("--start")
    p.add_argument("--deaden", action="store_true")
    a = p.parse_args()
    paddle.enable_static()
    trainer = Trainer(nets.NETS[a.net](), a.epochs * (a.pictures // BATCH), a.rate)
    if a.start:
        start = dict(np.load(a.start))
        if a.deaden:
            nets.deaden(start)
        trainer.load(start)
    hold = drawn(HOLDOUT_SEED, 1024)
    train(trainer, *drawn(a.seed, a.pictures), hold, a.epochs)
    params = trainer.parameters()
    print(a.net, sum(v.size for v in params.values()), "parameters", flush=True)
    os.makedirs(a.out, exist_ok=True)
    np.savez(os.path.join(a.out, a.net + ".npz"), **params)


if __name__ == "__main__":
    main()
