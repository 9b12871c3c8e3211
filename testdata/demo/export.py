"""Writes the trained nets as Paddle's own savers do, and what real Paddle answers on the validation pictures.

  python export.py BUILD DATA OUT

BUILD holds train.py's NET.npz, DATA the pictures of draw.py. Makes OUT/resnet (a program of the 1.x kind: feeds image and
label, fetches loss, acc1, acc5 and the probabilities; __model__ + __params__) and OUT/mobilenet (image to probabilities;
model.pdmodel + model.pdiparams), each with preprocess.json, golden.json and README.md, and DATA/golden_pixels.npy.
"""
import json
import os
import shutil
import sys
import tempfile

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle.base.proto import framework_pb2
from paddle.inference import Config, create_predictor

import nets
import pictures

GOLDEN = 8      # pictures whose probabilities are kept


def append(kind, inputs, outputs, **attrs):
    """Appends an op by its 1.x name and returns its new outputs, declared as {slot: dtype}."""
    block = paddle.static.default_main_program().current_block()
    new = {slot: block.create_var(dtype=dtype) for slot, dtype in outputs.items()}
    block.append_op(type=kind, inputs=inputs, outputs=new, attrs=attrs)
    return list(new.values())


def label_tail(prob, label):
    """Loss and accuracies as the classification programs of Paddle 1.3 compute them."""
    y, = append("cross_entropy", {"X": prob, "Label": label}, {"Y": "float32"}, soft_label=False, ignore_index=-100)
    fetches = append("mean", {"X": y}, {"Out": "float32"})
    for k in (1, 5):
        values, indices = append("top_k", {"X": prob}, {"Out": "float32", "Indices": "int64"}, k=k)
        fetches += append("accuracy", {"Out": values, "Indices": indices, "Label": label},
                          {"Accuracy": "float32", "Correct": "int32", "Total": "int32"})[:1]
    return fetches


def fluid_program(net, image, label):
    """The net with the head of 1.x (global pool2d, mul, elementwise_add), softmax and label tail."""
    x, = append("pool2d", {"X": net.features(image)}, {"Out": "float32"}, pooling_type="avg", ksize=[3, 3], global_pooling=True)
    x, = append("mul", {"X": x, "Y": net.fc.weight}, {"Out": "float32"}, x_num_col_dims=1, y_num_col_dims=1)
    x, = append("elementwise_add", {"X": x, "Y": net.fc.bias}, {"Out": "float32"}, axis=1)
    prob, = append("softmax", {"X": x}, {"Out": "float32"})
    return label_tail(prob, label) + [prob]


def save_fluid(params, folder):
    """Static program through save_inference_model, under the names of 1.x."""
    paddle.enable_static()
    with tempfile.TemporaryDirectory() as tmp, paddle.static.program_guard(paddle.static.Program(), paddle.static.Program()):
        net = nets.ResNet()
        net.eval()
        image = paddle.static.data("image", [None, 3, nets.INPUT, nets.INPUT])
        label = paddle.static.data("label", [None, 1], "int64")
        fetches = fluid_program(net, image, label)
        exe = paddle.static.Executor(paddle.CPUPlace())
        exe.run(paddle.static.default_startup_program())
        for name, value in params.items():
            paddle.static.global_scope().find_var(name).get_tensor().set(value, paddle.CPUPlace())
        paddle.static.save_inference_model(os.path.join(tmp, "net"), [image, label], fetches, exe)
        place(tmp, folder, "__model__", "__params__")
    paddle.disable_static()


class Probabilities(paddle.nn.Layer):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, image):
        return F.softmax(self.net(image))


def save_jit(params, folder):
    """Dynamic net through jit.save."""
    net = Probabilities(nets.MobileNet())
    for v in net.state_dict().values():
        v.set_value(params[v.name])
    net.eval()
    with tempfile.TemporaryDirectory() as tmp:
        spec = paddle.static.InputSpec([None, 3, nets.INPUT, nets.INPUT], "float32", name="image")
        paddle.jit.save(net, os.path.join(tmp, "net"), input_spec=[spec])
        place(tmp, folder, "model.pdmodel", "model.pdiparams")


def place(tmp, folder, program, params):
    """Moves what Paddle saved, dropping op_callstack: it lists the paths of the machine that saved."""
    os.makedirs(folder, exist_ok=True)
    desc = framework_pb2.ProgramDesc()
    with open(os.path.join(tmp, "net.pdmodel"), "rb") as f:
        desc.ParseFromString(f.read())
    for block in desc.blocks:
        for op in block.ops:
            kept = [a for a in op.attrs if a.name != "op_callstack"]
            del op.attrs[:]
            op.attrs.extend(kept)
    with open(os.path.join(folder, program), "wb") as f:
        f.write(desc.SerializeToString())
    shutil.copyfile(os.path.join(tmp, "net.pdiparams"), os.path.join(folder, params))


def predict(folder, program, params, x, y):
    """All fetches of the saved model in Paddle's predictor, the whole set as one batch."""
    config = Config(os.path.join(folder, program), os.path.join(folder, params))
    config.disable_gpu()
    config.disable_glog_info()
    p = create_predictor(config)
    for name in p.get_input_names():
        p.get_input_handle(name).copy_from_cpu(x if name == "image" else y)
    p.run()
    return [p.get_output_handle(n).copy_to_cpu() for n in p.get_output_names()]


README = """# {title}

{how}

Made by `make.sh` in the folder above (`draw.py`, `train.py`, `export.py`) with Paddle {version}; initial weights from seed {seed}.
{parameters} parameters. Input: `image` [N,3,48,48], prepared as `preprocess.json` says; classes in `../data/synset_words.txt`.

Paddle's own FP32 result on the {images} pictures of `../data/val_list.txt`: top-1 {top1} ({p1:.2f} %), top-5 {top5} ({p5:.2f} %).
`golden.json` holds these counts and the probabilities of the first {golden} pictures, whose decoded and cropped pixels
are in `../data/golden_pixels.npy` (uint8, NHWC), so that a difference in decoding JPEG can be told from one in the net.
"""


def lines(obj):
    """JSON with one line a key, and one a row of probabilities."""
    rows = {k: "[\n  " + ",\n  ".join(json.dumps(r) for r in v) + "\n ]" if k == "probabilities" else json.dumps(v)
            for k, v in obj.items()}
    return "{\n" + ",\n".join(f" {json.dumps(k)}: {v}" for k, v in rows.items()) + "\n}\n"


def describe(folder, outputs, y, text):
    """preprocess.json, golden.json and README.md beside a model."""
    prob = outputs[-1]
    order = np.argsort(-prob, axis=1, kind="stable")
    counts = {"images": len(y), "top1": int((order[:, :1] == y).sum()), "top5": int((order[:, :5] == y).any(1).sum())}
    golden = dict(counts, paddle=paddle.__version__)
    if len(outputs) > 1:
        golden.update({k: float(v.reshape(())) for k, v in zip(("loss", "acc1", "acc5"), outputs)})
    golden["probabilities"] = [[float(f"{v:.9g}") for v in row] for row in prob[:GOLDEN]]
    with open(os.path.join(folder, "preprocess.json"), "w") as f:
        f.write(lines(pictures.PREPROCESS))
    with open(os.path.join(folder, "golden.json"), "w") as f:
        f.write(lines(golden))
    n = counts["images"]
    with open(os.path.join(folder, "README.md"), "w") as f:
        f.write(README.format(version=paddle.__version__, golden=GOLDEN, p1=100 * counts["top1"] / n,
                              p5=100 * counts["top5"] / n, **counts, **text))
    print(os.path.basename(folder), counts)


def main(build, data, out):
    x, y = pictures.read(data, "val")
    np.save(os.path.join(data, "golden_pixels.npy"), x[:GOLDEN])
    x = pictures.normalised(x)
    for name, seed, save, files, title, how in (
            ("resnet", 10, save_fluid, ("__model__", "__params__"), "Demo model: ResNet-like",
             "ResNet-50's structure in small, saved in the 1.x style (`__model__` + `__params__`) with the label tail:\n"
             "feeds `image` and `label`; fetches mean loss, acc1, acc5, probabilities."),
            ("mobilenet", 20, save_jit, ("model.pdmodel", "model.pdiparams"), "Demo model: MobileNet-V1-like",
             "Depthwise separable layers with ReLU6, saved by `paddle.jit.save`: `image` in, probabilities out.")):
        params = dict(np.load(os.path.join(build, name + ".npz")))
        folder = os.path.join(out, name)
        save(params, folder)
        count = sum(v.size for v in params.values())
        describe(folder, predict(folder, *files, x, y), y, {"title": title, "how": how, "seed": seed, "parameters": count})


if __name__ == "__main__":
    main(*sys.argv[1:4])
