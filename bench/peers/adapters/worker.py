"""The side of a peer: one process a network, precision and batch size, led by lines of JSON.

The adapter imports its library, then calls serve(Net, version). Net(path, images, threads) loads a network for a batch of images;
run() computes the batch once and answer() returns the rows of the last run. What comes in on stdin and goes out on stdout is
described in protocol.go.
"""
import json
import os
import sys
import time

import numpy as np

PIXELS = (3, 224, 224)


def pictures(path):
    """Every picture of a file of float32 values, without a copy."""
    return np.memmap(path, np.float32, "r").reshape(-1, *PIXELS)


def batch_of(path, batch):
    """A batch of the pictures, over and over."""
    some, x = pictures(path), np.empty((batch, *PIXELS), np.float32)
    for i in range(batch):
        x[i] = some[i % len(some)]
    return x


def window(net, seconds, warm):
    """Runs for the time, once at least, after others that do not count."""
    begin = time.perf_counter()
    while time.perf_counter() - begin < warm:
        net.run()
    runs, begin = [], time.perf_counter()
    while True:
        start = time.perf_counter()
        net.run()
        now = time.perf_counter()
        runs.append(now - start)
        if now - begin >= seconds:
            return runs, now - begin


def serve(make, version):
    replies = os.fdopen(os.dup(1), "w")  # libraries print to stdout as they like
    os.dup2(2, 1)

    def reply(**what):
        print(json.dumps(what), file=replies, flush=True)

    path, images, batch, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    x = batch_of(images, batch)
    reply(version=version)
    net = None
    for line in sys.stdin:
        ask = json.loads(line)
        if ask["do"] == "load":
            start = time.perf_counter()
            net = make(path, x, threads)
            del x  # an adapter may have made its own of it
            loaded = time.perf_counter()
            net.run()
            reply(load=loaded - start, first=time.perf_counter() - loaded)
        elif ask["do"] == "answer":
            reply(rows=np.asarray(net.answer(), np.float64).reshape(batch, -1)[:ask["rows"]].tolist())
        else:
            measure = getattr(net, "window", None)
            runs, seconds = (measure or (lambda s, w: window(net, s, w)))(ask["seconds"], ask["warm"])
            reply(runs=runs, seconds=seconds, images=len(runs) * batch)
