"""Quantises a Paddle model with PostTrainingQuantization (abs_max, on the given pictures): make_paddle.py FP32 PICTURES.f32 INT8

FP32 and INT8 are prefixes of .pdmodel and .pdiparams. Runs in Paddle 2.6; both versions load the result.
"""
import os
import sys

import numpy as np
import paddle
from paddle.static.quantization import PostTrainingQuantization

import worker

QUANTISED = ["conv2d", "depthwise_conv2d", "matmul_v2", "elementwise_add", "pool2d"]


class Pictures(paddle.io.Dataset):
    def __init__(self, path):
        self.x = np.array(worker.pictures(path))

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i]


def products_of_today(fp32, out, executor):
    """Writes the product of the last layer as Paddle 2 does. The INT8 passes of Paddle Inference leave a mul in FP32, which costs
    MobileNet-V1 5 % at batch 1."""
    program, feeds, fetches = paddle.static.load_inference_model(fp32, executor)
    block = program.global_block()
    at = [op.type for op in block.ops].index("mul")
    op = block.ops[at]
    x, y, z = op.input("X")[0], op.input("Y")[0], op.output("Out")[0]
    block._remove_op(at)
    channels = block.var(y).shape[0]
    block.var(x).desc.set_shape([-1, channels, 1, 1])
    flat, shape = block.create_var(name="flat", dtype="float32", shape=[-1, channels]), block.create_var(name="flat.shape", dtype="float32")
    block._insert_op(at, type="flatten_contiguous_range", inputs={"X": [x]}, outputs={"Out": [flat], "XShape": [shape]},
                     attrs={"start_axis": 1, "stop_axis": -1})
    block._insert_op(at + 1, type="matmul_v2", inputs={"X": [flat], "Y": [y]}, outputs={"Out": [z]}, attrs={"trans_x": False, "trans_y": False})
    paddle.static.save_inference_model(out, [block.var(f) for f in feeds], fetches, executor, program=program)


def main(fp32, pictures, int8):
    paddle.enable_static()
    folder, x, cpu = os.path.dirname(int8), Pictures(pictures), paddle.CPUPlace()
    executor = paddle.static.Executor(cpu)
    products_of_today(fp32, os.path.join(folder, "plain"), executor)
    image = paddle.static.data("image", [None, *worker.PIXELS], "float32")
    q = PostTrainingQuantization(
        executor=executor, model_dir=folder, model_filename="plain.pdmodel", params_filename="plain.pdiparams",
        data_loader=paddle.io.DataLoader(x, feed_list=[image], batch_size=1, places=[cpu], return_list=False),
        batch_size=1, batch_nums=len(x), algo="abs_max", quantizable_op_type=QUANTISED,
        weight_quantize_type="channel_wise_abs_max", activation_quantize_type="range_abs_max")
    q.quantize()
    name = os.path.basename(int8)
    q.save_quantized_model(folder, model_filename=name + ".pdmodel", params_filename=name + ".pdiparams")


if __name__ == "__main__":
    main(*sys.argv[1:])
