"""The cases of make.py: operators with their inputs and attributes.

A case is a function of a random generator that returns
{"ops": [{"type", "in", "out", "attrs"}], "fetch": [names]}. Inputs are arrays
(fed), Params (saved with the program) or names of earlier outputs; "name:dtype"
declares an output of another type than float32. "open" lists the dims of the fed
arrays that the program leaves open (default: the batch).
"""
import numpy as np

CASES = {}


class Param:
    def __init__(self, value):
        self.value = value


def f32(rng, *shape, low=None, high=None):
    if low is not None:
        return rng.uniform(low, high, shape).astype("float32")
    return rng.standard_normal(shape).astype("float32")


def case(name):
    def register(f):
        assert name not in CASES, name
        CASES[name] = f
        return f
    return register


def single(name, type, ins, outs, fetch=None, open=None, **attrs):
    """A case of one operator; ins is a function of the generator."""
    @case(name)
    def _(rng):
        names = []
        for o in outs.values():
            names += [n.split(":")[0] for n in (o if isinstance(o, list) else [o])]
        c = {"ops": [{"type": type, "in": ins(rng), "out": outs, "attrs": attrs}], "fetch": fetch or names}
        if open is not None:
            c["open"] = open
        return c


def unary(name, type, shape=(2, 4, 5, 3), low=None, high=None, slot="X", out="Out", **attrs):
    single(name, type, lambda r: {slot: f32(r, *shape, low=low, high=high)}, {out: "y"}, **attrs)


# Convolution and products -------------------------------------------------------------------------------------------
CONV = dict(strides=[1, 1], paddings=[0, 0], dilations=[1, 1], groups=1, padding_algorithm="EXPLICIT", data_format="NCHW")


def conv(name, type, cin, filt, hw=(9, 8), batch=2, **attrs):
    single(name, type, lambda r: {"Input": f32(r, batch, cin, *hw), "Filter": Param(f32(r, *filt))}, {"Output": "y"}, **{**CONV, **attrs})


conv("conv2d", "conv2d", 3, (4, 3, 3, 3), strides=[2, 1], paddings=[1, 0, 2, 1])
conv("depthwise_conv2d", "depthwise_conv2d", 4, (8, 1, 3, 3), groups=4, paddings=[1, 1])
conv("conv2d_transpose", "conv2d_transpose", 3, (3, 4, 3, 3), strides=[2, 2], paddings=[1, 1])
conv("conv2d_transpose_groups", "conv2d_transpose", 4, (4, 3, 3, 2), groups=2, strides=[2, 3], paddings=[0, 1])
conv("conv2d_transpose_output_padding", "conv2d_transpose", 3, (3, 2, 3, 3), strides=[2, 2], paddings=[1, 1], output_padding=[1, 0])
conv("conv2d_transpose_output_size", "conv2d_transpose", 3, (3, 2, 3, 3), strides=[2, 2], paddings=[1, 1], output_size=[18, 15])
conv("conv2d_transpose_asym", "conv2d_transpose", 3, (3, 2, 3, 3), strides=[2, 2], paddings=[1, 0, 2, 1], dilations=[1, 2])
conv("conv2d_transpose_same", "conv2d_transpose", 3, (3, 2, 4, 3), strides=[2, 2], padding_algorithm="SAME")
conv("depthwise_conv2d_transpose", "depthwise_conv2d_transpose", 4, (4, 1, 2, 2), groups=4, strides=[2, 2])
single("mul", "mul", lambda r: {"X": f32(r, 2, 3, 4), "Y": Param(f32(r, 4, 5))}, {"Out": "y"}, x_num_col_dims=2, y_num_col_dims=1)
single("fc", "fc", lambda r: {"Input": f32(r, 2, 3, 4), "W": Param(f32(r, 12, 5)), "Bias": Param(f32(r, 5))}, {"Out": "y"}, in_num_col_dims=1, activation_type="relu")
single("matmul", "matmul", lambda r: {"X": f32(r, 2, 3, 4), "Y": f32(r, 2, 5, 4)}, {"Out": "y"}, transpose_X=False, transpose_Y=True, alpha=0.5)
single("matmul_v2", "matmul_v2", lambda r: {"X": f32(r, 2, 3, 4), "Y": Param(f32(r, 4, 5))}, {"Out": "y"}, trans_x=False, trans_y=False)
single("matmul_v2_trans_x", "matmul_v2", lambda r: {"X": f32(r, 2, 4, 3), "Y": f32(r, 2, 5, 4)}, {"Out": "y"}, trans_x=True, trans_y=True)
single("matmul_v2_broadcast", "matmul_v2", lambda r: {"X": f32(r, 2, 1, 3, 4), "Y": Param(f32(r, 5, 4, 2))}, {"Out": "y"}, trans_x=False, trans_y=False)
single("matmul_v2_vector", "matmul_v2", lambda r: {"X": f32(r, 2, 3, 4), "Y": Param(f32(r, 4))}, {"Out": "y"}, trans_x=False, trans_y=False)

# Pooling and resampling ---------------------------------------------------------------------------------------------
POOL = dict(ksize=[3, 2], strides=[2, 2], paddings=[1, 0], pooling_type="max", exclusive=True, adaptive=False, ceil_mode=False, global_pooling=False, data_format="NCHW", padding_algorithm="EXPLICIT")
for name, attrs in {
    "pool2d_max": {},
    "pool2d_avg": dict(pooling_type="avg"),
    "pool2d_ceil": dict(ceil_mode=True, pooling_type="avg", exclusive=False),
    "pool2d_asym": dict(paddings=[0, 1, 1, 0]),
    "pool2d_adaptive_avg": dict(adaptive=True, ksize=[4, 3], pooling_type="avg", paddings=[0, 0]),
    "pool2d_global": dict(pooling_type="avg", global_pooling=True),
    "pool2d_same": dict(padding_algorithm="SAME"),
}.items():
    unary(name, "pool2d", shape=(2, 3, 9, 8), **{**POOL, **attrs})
unary("pool2d_nhwc", "pool2d", shape=(2, 9, 8, 3), **{**POOL, "data_format": "NHWC"})

for name, attrs in ("max_pool2d_with_index", {}), ("max_pool2d_with_index_adaptive", dict(adaptive=True, ksize=[4, 3], paddings=[0, 0])):
    single(name, "max_pool2d_with_index", lambda r: {"X": f32(r, 2, 3, 9, 8)}, {"Out": "y", "Mask": "m:int32"}, fetch=["y"],
           **{"ksize": [3, 2], "strides": [2, 2], "paddings": [1, 0], "global_pooling": False, "adaptive": False, **attrs})

INTERP = dict(data_layout="NCHW", out_d=-1, out_h=-1, out_w=-1, scale=[], align_corners=False, align_mode=1)
for method in "nearest", "bilinear":
    for name, attrs in {
        "size": dict(out_h=7, out_w=11),
        "size_corners": dict(out_h=7, out_w=11, align_corners=True),
        "size_half": dict(out_h=7, out_w=11, align_mode=0),
        "down_half": dict(out_h=3, out_w=2, align_mode=0),
        "down": dict(out_h=3, out_w=2),
        "down_corners": dict(out_h=3, out_w=2, align_corners=True),
        "one": dict(out_h=1, out_w=1, align_mode=0),
        "double": dict(scale=[2.0, 2.0], align_mode=0),
        "odd_scale": dict(scale=[1.7, 2.3], align_mode=0),
        "odd_scale_mode1": dict(scale=[1.7, 2.3]),
    }.items():
        attrs = {**INTERP, "interp_method": method, **attrs}
        unary("%s_interp_v2_%s" % (method, name), method + "_interp_v2", shape=(2, 3, 5, 6), **attrs)
    old = {**INTERP, "interp_method": method, "scale": 0.0}
    unary("%s_interp_size" % method, method + "_interp", shape=(2, 3, 5, 6), **{**old, "out_h": 7, "out_w": 11})
    unary("%s_interp_scale" % method, method + "_interp", shape=(2, 3, 5, 6), **{**old, "scale": 1.7})
    unary("%s_interp_corners" % method, method + "_interp", shape=(2, 3, 5, 6), **{**old, "scale": 2.0, "align_corners": True})


@case("bilinear_interp_v2_size_of_other")
def _(r):
    """Upsampling to the size of another map, as feature pyramids do."""
    return {"ops": [
        {"type": "shape", "in": {"Input": f32(r, 2, 1, 9, 7)}, "out": {"Out": "s:int32"}},
        {"type": "slice", "in": {"Input": "s"}, "out": {"Out": "hw:int32"}, "attrs": dict(axes=[0], starts=[2], ends=[4], infer_flags=[1], decrease_axis=[])},
        {"type": "bilinear_interp_v2", "in": {"X": f32(r, 2, 3, 5, 6), "OutSize": "hw"}, "out": {"Out": "y"}, "attrs": {**INTERP, "interp_method": "bilinear", "align_mode": 0}},
    ], "fetch": ["y"], "open": [0, 2, 3]}


@case("nearest_interp_v2_size_tensors")
def _(r):
    """The size as two tensors, computed from the input's own."""
    ops = [{"type": "shape", "in": {"Input": (x := f32(r, 2, 3, 5, 6))}, "out": {"Out": "s:int32"}}]
    for i, n in (2, "h"), (3, "w"):
        ops.append({"type": "slice", "in": {"Input": "s"}, "out": {"Out": n + "0:int32"}, "attrs": dict(axes=[0], starts=[i], ends=[i + 1], infer_flags=[1], decrease_axis=[])})
        ops.append({"type": "scale", "in": {"X": n + "0"}, "out": {"Out": n + ":int32"}, "attrs": dict(scale=2.0, bias=1.0, bias_after_scale=True)})
    ops.append({"type": "nearest_interp_v2", "in": {"X": x, "SizeTensor": ["h", "w"]}, "out": {"Out": "y"}, "attrs": {**INTERP, "interp_method": "nearest"}})
    return {"ops": ops, "fetch": ["y"], "open": [0, 2, 3]}


# Normalisation and activations --------------------------------------------------------------------------------------
@case("batch_norm")
def _(r):
    mean, variance = Param(f32(r, 4)), Param(f32(r, 4, low=.5, high=2))
    ins = {"X": f32(r, 2, 4, 3, 5), "Scale": Param(f32(r, 4)), "Bias": Param(f32(r, 4)), "Mean": mean, "Variance": variance}
    outs = {"Y": "y", "MeanOut": mean, "VarianceOut": variance, "SavedMean": "sm", "SavedVariance": "sv"}
    return {"ops": [{"type": "batch_norm", "in": ins, "out": outs, "attrs": dict(epsilon=1e-3, is_test=True, data_layout="NCHW", use_global_stats=True)}], "fetch": ["y"]}


single("affine_channel", "affine_channel", lambda r: {"X": f32(r, 2, 4, 3, 5), "Scale": Param(f32(r, 4)), "Bias": Param(f32(r, 4))}, {"Out": "y"}, data_layout="NCHW")
single("layer_norm", "layer_norm", lambda r: {"X": f32(r, 2, 4, 6), "Scale": Param(f32(r, 6)), "Bias": Param(f32(r, 6))}, {"Y": "y", "Mean": "m", "Variance": "v"}, fetch=["y"], epsilon=1e-5, begin_norm_axis=2)
single("lrn", "lrn", lambda r: {"X": f32(r, 2, 7, 3, 4)}, {"Out": "y", "MidOut": "m"}, fetch=["y"], n=5, k=2.0, alpha=1e-2, beta=.75, data_format="NCHW", is_test=True)
single("lrn_wide", "lrn", lambda r: {"X": f32(r, 2, 4, 3, 4)}, {"Out": "y", "MidOut": "m"}, fetch=["y"], n=7, k=1.0, alpha=1e-1, beta=.5, data_format="NCHW", is_test=True)
for name, attrs in {
    "relu": {}, "sigmoid": {}, "tanh": {}, "silu": {}, "square": {}, "abs": {}, "exp": {},
    "relu6": dict(threshold=6.0), "leaky_relu": dict(alpha=.1), "swish": dict(beta=1.0), "mish": dict(threshold=20.0),
    "hard_swish": dict(threshold=6.0, scale=6.0, offset=3.0), "hard_sigmoid": dict(slope=1 / 6, offset=.5),
    "clip": dict(min=-.5, max=1.0),
}.items():
    unary(name, name, low=-8, high=8, **attrs)
for name, attrs, compute in (
    ("swish", dict(beta=1.7), lambda x: x / (1 + np.exp(-np.float32(1.7) * x))),
    ("hard_swish", dict(threshold=5.0, scale=4.0, offset=2.5), lambda x: x * np.clip(x + 2.5, 0, 5) / 4),
):
    @case(name + "_odd")
    def _(r, name=name, attrs=attrs, compute=compute):
        """1.x heeds these attributes; Paddle 2.6 still takes them, and leaves them out."""
        return {"ops": [{"type": name, "in": {"X": f32(r, 2, 40, low=-8, high=8)}, "out": {"Out": "y"}, "attrs": attrs}],
                "fetch": ["y"], "numpy": lambda x: [compute(x)]}
unary("sqrt", "sqrt", low=0, high=8)
unary("pow", "pow", low=0, high=3, factor=1.5)
unary("gelu", "gelu", low=-4, high=4, approximate=False)
unary("gelu_tanh", "gelu", low=-4, high=4, approximate=True)
unary("softmax", "softmax", axis=-1)
unary("softmax_channels", "softmax", axis=1)
for mode, n in ("all", (1,)), ("channel", (1, 4, 1, 1)), ("element", (1, 4, 5, 3)):
    single("prelu_" + mode, "prelu", lambda r, n=n: {"X": f32(r, 2, 4, 5, 3), "Alpha": Param(f32(r, *n))}, {"Out": "y"}, mode=mode, data_format="NCHW")
for impl in "downgrade_in_infer", "upscale_in_train":
    single("dropout_" + impl, "dropout", lambda r: {"X": f32(r, 2, 6)}, {"Out": "y", "Mask": "m:uint8"}, fetch=["y"], dropout_prob=.3, is_test=True, dropout_implementation=impl)

# Elementwise --------------------------------------------------------------------------------------------------------
for op in "add", "sub", "mul", "div", "max", "min", "pow", "mod", "floordiv":
    low = dict(low=.5, high=3) if op in ("div", "pow", "mod", "floordiv") else dict(low=-2, high=2)
    single("elementwise_" + op, "elementwise_" + op, lambda r, low=low: {"X": f32(r, 2, 3, 4, 5, **low), "Y": f32(r, 2, 3, 4, 5, **low)}, {"Out": "y"}, axis=-1)
    single("elementwise_%s_channel" % op, "elementwise_" + op, lambda r, low=low: {"X": f32(r, 2, 3, 4, 5, **low), "Y": Param(f32(r, 3, **low))}, {"Out": "y"}, axis=1)
single("elementwise_mul_rows", "elementwise_mul", lambda r: {"X": f32(r, 2, 3, 4, 5), "Y": f32(r, 2, 3)}, {"Out": "y"}, axis=0)
single("elementwise_add_tail", "elementwise_add", lambda r: {"X": f32(r, 2, 3, 4, 5), "Y": Param(f32(r, 4, 5))}, {"Out": "y"}, axis=-1)
single("elementwise_sub_both", "elementwise_sub", lambda r: {"X": f32(r, 2, 1, 4, 5), "Y": f32(r, 2, 3, 1, 5)}, {"Out": "y"}, axis=-1)
single("elementwise_div_left", "elementwise_div", lambda r: {"X": Param(f32(r, 3, 1, 1)), "Y": f32(r, 2, 3, 4, 5, low=.5, high=2)}, {"Out": "y"}, axis=-1)
single("elementwise_pow_left", "elementwise_pow", lambda r: {"X": Param(f32(r, 1, 3, 1, 1, low=.5, high=2)), "Y": f32(r, 2, 3, 4, 5)}, {"Out": "y"}, axis=-1)
single("elementwise_mod_negative", "elementwise_mod", lambda r: {"X": f32(r, 2, 30, low=-5, high=5), "Y": f32(r, 2, 30, low=-3, high=-1)}, {"Out": "y"}, axis=-1)
single("sum", "sum", lambda r: {"X": [f32(r, 2, 3, 4) for _ in range(3)]}, {"Out": "y"})
unary("scale", "scale", scale=3.0, bias=.5, bias_after_scale=True)
unary("scale_before", "scale", scale=3.0, bias=.5, bias_after_scale=False)
unary("assign", "assign")
for op in "mean", "sum", "max", "min", "prod":
    unary("reduce_" + op, "reduce_" + op, low=.5, high=1.5, dim=[1], keep_dim=False, reduce_all=False)
    unary("reduce_%s_map" % op, "reduce_" + op, low=.5, high=1.5, dim=[2, -1], keep_dim=True, reduce_all=False)
    unary("reduce_%s_all" % op, "reduce_" + op, low=.5, high=1.5, dim=[0], keep_dim=False, reduce_all=True)
unary("mean", "mean")
single("cast", "cast", lambda r: {"X": f32(r, 2, 5, low=-9, high=9)}, {"Out": "y:int64"}, in_dtype=5, out_dtype=3)

# Shape --------------------------------------------------------------------------------------------------------------
XSHAPE = {"Out": "y", "XShape": "xs"}
for name, attrs in {
    "reshape2": dict(shape=[0, -1, 3]), "flatten2": dict(axis=2), "flatten_contiguous_range": dict(start_axis=1, stop_axis=2),
    "squeeze2": dict(axes=[1, -1]), "unsqueeze2": dict(axes=[1, -1]), "transpose2": dict(axis=[0, 3, 1, 2]),
}.items():
    single(name, name, lambda r, n=name: {"X": f32(r, 2, 1, 6, 1) if n == "squeeze2" else f32(r, 2, 4, 5, 3)}, XSHAPE, fetch=["y"], **attrs)
single("reshape", "reshape", lambda r: {"X": f32(r, 2, 4, 5, 3)}, {"Out": "y"}, shape=[0, -1, 3])
for name, shape, attrs in ("flatten", (2, 4, 5, 3), dict(axis=1)), ("squeeze", (2, 1, 6, 1), dict(axes=[])), ("unsqueeze", (2, 4, 5), dict(axes=[2])):
    @case(name)
    def _(r, name=name, shape=shape, attrs=attrs):
        """1.x operators that later Paddle knows with a 2 behind the name."""
        return {"ops": [{"type": name + "2", "saved_as": name, "in": {"X": f32(r, *shape)}, "out": XSHAPE, "attrs": attrs}], "fetch": ["y"]}
unary("transpose", "transpose", axis=[0, 2, 1, 3])
unary("transpose_batch", "transpose", shape=(2, 3, 4), axis=[2, 0, 1])
single("concat", "concat", lambda r: {"X": [f32(r, 2, n, 3, 4) for n in (1, 5, 2)]}, {"Out": "y"}, axis=1)
single("concat_negative", "concat", lambda r: {"X": [f32(r, 2, 3, n) for n in (1, 5, 2)]}, {"Out": "y"}, axis=-1)
unary_split = dict(num=0, sections=[1, -1, 2], axis=1)
single("split_sections", "split", lambda r: {"X": f32(r, 2, 7, 3, 4)}, {"Out": ["a", "b", "c"]}, **unary_split)
single("split_num", "split", lambda r: {"X": f32(r, 2, 3, 6)}, {"Out": ["a", "b", "c"]}, num=3, axis=2)
for name, attrs in {
    "slice": dict(axes=[1, 3], starts=[1, -3], ends=[3, 2147483647], decrease_axis=[], infer_flags=[1, 1]),
    "slice_drop": dict(axes=[1], starts=[-1], ends=[2147483647], decrease_axis=[1], infer_flags=[1]),
    "strided_slice": dict(axes=[1, 2], starts=[0, 4], ends=[4, 0], strides=[2, -2], decrease_axis=[], infer_flags=[1, 1]),
    "strided_slice_reverse": dict(axes=[2], starts=[2147483647], ends=[-1], strides=[-1], decrease_axis=[], infer_flags=[1]),
}.items():
    unary(name, "strided_slice" if "strided" in name else "slice", slot="Input", **attrs)
single("stack", "stack", lambda r: {"X": [f32(r, 2, 3, 4) for _ in range(3)]}, {"Y": "y"}, axis=1)
single("stack_last", "stack", lambda r: {"X": [f32(r, 2, 3) for _ in range(2)]}, {"Y": "y"}, axis=-1)
single("unstack", "unstack", lambda r: {"X": f32(r, 2, 3, 4)}, {"Y": ["a", "b", "c"]}, axis=1, num=3)
single("shape", "shape", lambda r: {"Input": f32(r, 2, 3, 4)}, {"Out": "y:int32"})
single("tile", "tile", lambda r: {"X": f32(r, 2, 3, 1)}, {"Out": "y"}, repeat_times=[1, 2, 3])
single("expand_v2", "expand_v2", lambda r: {"X": f32(r, 2, 1, 3)}, {"Out": "y"}, shape=[-1, 4, 3])
single("expand_as_v2", "expand_as_v2", lambda r: {"X": f32(r, 2, 1, 1, 4), "Y": f32(r, 2, 3, 5, 4)}, {"Out": "y"}, target_shape=[-1, 3, 5, 4])
unary("shuffle_channel", "shuffle_channel", shape=(2, 6, 3, 4), group=3)
for mode, layout in ("constant", "NCHW"), ("reflect", "NCHW"), ("edge", "NCHW"), ("constant", "NHWC"):
    @case("pad2d_%s_%s" % (mode, layout.lower()))
    def _(r, mode=mode, layout=layout):
        width = [(0, 0), (0, 0), (1, 2), (0, 2)] if layout == "NCHW" else [(0, 0), (1, 2), (0, 2), (0, 0)]
        value = dict(constant_values=.5) if mode == "constant" else {}
        return {"ops": [{"type": "pad2d", "in": {"X": f32(r, 2, 4, 5, 3)}, "out": {"Out": "y"}, "attrs": dict(paddings=[1, 2, 0, 2], mode=mode, pad_value=.5, data_format=layout)}],
                "fetch": ["y"], "numpy": lambda x: [np.pad(x, width, mode, **value)]}
unary("pad", "pad", shape=(2, 3, 4), paddings=[0, 0, 1, 2, 0, 1], pad_value=-1.0)
for mode in "constant", "reflect", "replicate", "circular":
    unary("pad3d_" + mode, "pad3d", shape=(2, 3, 4, 5, 6), paddings=[1, 2, 0, 2, 3, 1], mode=mode, value=.5, data_format="NCDHW")


@case("fill_constant")
def _(r):
    return {"ops": [
        {"type": "fill_constant", "in": {}, "out": {"Out": "c"}, "attrs": dict(shape=[1], value=.25, dtype=5, str_value="0.25")},
        {"type": "elementwise_mul", "in": {"X": f32(r, 2, 3), "Y": "c"}, "out": {"Out": "y"}, "attrs": dict(axis=-1)},
    ], "fetch": ["y"]}


@case("fill_constant_shape")
def _(r):
    """ones(shape(x)) + x, with the dims from the input."""
    return {"ops": [
        {"type": "shape", "in": {"Input": (x := f32(r, 2, 3, 4))}, "out": {"Out": "s:int32"}},
        {"type": "fill_constant", "in": {"ShapeTensor": "s"}, "out": {"Out": "c"}, "attrs": dict(shape=[], value=1.0, dtype=5, str_value="1.0")},
        {"type": "elementwise_add", "in": {"X": x, "Y": "c"}, "out": {"Out": "y"}, "attrs": dict(axis=-1)},
    ], "fetch": ["y"]}


@case("fill_constant_batch_size_like")
def _(r):
    return {"ops": [
        {"type": "fill_constant_batch_size_like", "in": {"Input": (x := f32(r, 2, 3))}, "out": {"Out": "c"}, "attrs": dict(shape=[-1, 3], value=2.0, dtype=5, str_value="2.0", input_dim_idx=0, output_dim_idx=0)},
        {"type": "elementwise_sub", "in": {"X": x, "Y": "c"}, "out": {"Out": "y"}, "attrs": dict(axis=-1)},
    ], "fetch": ["y"]}


@case("reshape2_from_shape")
def _(r):
    """reshape(x, [shape(x)[0] // 1, C·H, -1]) as programs with an open batch compute it."""
    ops = [{"type": "shape", "in": {"Input": (x := f32(r, 2, 4, 5, 3))}, "out": {"Out": "s:int32"}}]
    for i, n in enumerate("nch"):
        ops.append({"type": "slice", "in": {"Input": "s"}, "out": {"Out": n + ":int32"}, "attrs": dict(axes=[0], starts=[i], ends=[i + 1], infer_flags=[1], decrease_axis=[])})
    ops += [
        {"type": "elementwise_mul", "in": {"X": "c", "Y": "h"}, "out": {"Out": "ch:int32"}, "attrs": dict(axis=-1)},
        {"type": "fill_constant", "in": {}, "out": {"Out": "rest:int32"}, "attrs": dict(shape=[1], value=-1.0, dtype=2, str_value="-1")},
        {"type": "concat", "in": {"X": ["n", "ch", "rest"]}, "out": {"Out": "dims:int32"}, "attrs": dict(axis=0)},
        {"type": "reshape2", "in": {"X": x, "Shape": "dims"}, "out": {"Out": "y", "XShape": "xs"}, "attrs": dict(shape=[-1, 20, 3])},
    ]
    return {"ops": ops, "fetch": ["y"], "open": [0, 2, 3]}


@case("slice_to_shape")
def _(r):
    """Cropping one map to the size of another, the ends being tensors."""
    ops = [{"type": "shape", "in": {"Input": f32(r, 2, 1, 4, 5)}, "out": {"Out": "s:int32"}}]
    for i, n in (2, "h"), (3, "w"):
        ops.append({"type": "slice", "in": {"Input": "s"}, "out": {"Out": n + ":int32"}, "attrs": dict(axes=[0], starts=[i], ends=[i + 1], infer_flags=[1], decrease_axis=[])})
    ops.append({"type": "slice", "in": {"Input": f32(r, 2, 3, 6, 7), "EndsTensorList": ["h", "w"]}, "out": {"Out": "y"},
                "attrs": dict(axes=[2, 3], starts=[0, 0], ends=[-1, -1], infer_flags=[-1, -1], decrease_axis=[])})
    return {"ops": ops, "fetch": ["y"], "open": [0, 2, 3]}


# Labels -------------------------------------------------------------------------------------------------------------
def labels(r, n, classes):
    return r.randint(0, classes, (n, 1)).astype("int64")


single("cross_entropy2", "cross_entropy2", lambda r: {"X": f32(r, 3, 5, low=.1, high=1), "Label": labels(r, 3, 5)}, {"Y": "y", "MatchX": "m", "XShape": "xs"}, fetch=["y"], ignore_index=-100)
single("cross_entropy", "cross_entropy", lambda r: {"X": f32(r, 3, 5, low=.1, high=1), "Label": labels(r, 3, 5)}, {"Y": "y"}, soft_label=False, ignore_index=-100)
single("softmax_with_cross_entropy", "softmax_with_cross_entropy", lambda r: {"Logits": f32(r, 3, 5), "Label": labels(r, 3, 5)}, {"Softmax": "p", "Loss": "l"}, axis=-1, soft_label=False, ignore_index=-100, numeric_stable_mode=True, use_softmax=True)
single("top_k", "top_k", lambda r: {"X": f32(r, 3, 9)}, {"Out": "v", "Indices": "i:int64"}, k=4)
single("top_k_v2", "top_k_v2", lambda r: {"X": f32(r, 2, 6, 3)}, {"Out": "v", "Indices": "i:int64"}, k=2, axis=1, largest=True, sorted=True)
single("top_k_v2_smallest", "top_k_v2", lambda r: {"X": f32(r, 2, 6, 3)}, {"Out": "v", "Indices": "i:int64"}, k=2, axis=-1, largest=False, sorted=True)
for axis in 0, 1, -1:
    single("arg_max_%d" % axis, "arg_max", lambda r: {"X": f32(r, 2, 6, 3)}, {"Out": "i:int64"}, axis=axis, keepdims=axis == 1, dtype=3, flatten=False)


@case("accuracy")
def _(r):
    return {"ops": [
        {"type": "top_k", "in": {"X": f32(r, 8, 6)}, "out": {"Out": "v", "Indices": "i:int64"}, "attrs": dict(k=3)},
        {"type": "accuracy", "in": {"Out": "v", "Indices": "i", "Label": labels(r, 8, 6)}, "out": {"Accuracy": "a", "Correct": "c:int32", "Total": "t:int32"}},
    ], "fetch": ["a", "c", "t"]}


# Detection ----------------------------------------------------------------------------------------------------------
PRIOR = dict(min_sizes=[8.0, 16.0], max_sizes=[16.0, 30.0], aspect_ratios=[2.0, 3.0], variances=[.1, .1, .2, .2], flip=True, clip=False, step_w=0.0, step_h=0.0, offset=.5, min_max_aspect_ratios_order=False)
for name, attrs in {
    "prior_box": {}, "prior_box_clip": dict(clip=True, offset=.25, step_w=7.0, step_h=9.0), "prior_box_max_first": dict(min_max_aspect_ratios_order=True),
    "prior_box_plain": dict(max_sizes=[], flip=False, aspect_ratios=[1.0, 2.0, .5]),
}.items():
    single(name, "prior_box", lambda r: {"Input": f32(r, 2, 3, 4, 5), "Image": f32(r, 2, 3, 32, 40)}, {"Boxes": "b", "Variances": "v"}, **{**PRIOR, **attrs})
DENSE = dict(fixed_sizes=[8.0, 16.0], fixed_ratios=[1.0, 2.0], densities=[3, 2], variances=[.1, .1, .2, .2], clip=False, step_w=0.0, step_h=0.0, offset=.5, flatten_to_2d=False)
for name, attrs in {"density_prior_box": {}, "density_prior_box_flat": dict(flatten_to_2d=True, clip=True, step_w=9.0, step_h=7.0)}.items():
    single(name, "density_prior_box", lambda r: {"Input": f32(r, 2, 3, 4, 5), "Image": f32(r, 2, 3, 32, 40)}, {"Boxes": "b", "Variances": "v"}, **{**DENSE, **attrs})


def boxes(r, *lead, size=1.0):
    """Boxes of width and height between .1 and .5 of size."""
    corner = r.uniform(0, .5, lead + (2,))
    return (np.concatenate([corner, corner + r.uniform(.1, .5, lead + (2,))], -1) * size).astype("float32")


for name, variance, attrs in (
    ("box_coder", True, dict(code_type="decode_center_size", box_normalized=True, axis=0)),
    ("box_coder_pixels", True, dict(code_type="decode_center_size", box_normalized=False, axis=0)),
    ("box_coder_attr", False, dict(code_type="decode_center_size", box_normalized=True, axis=0, variance=[.1, .1, .2, .2])),
    ("box_coder_bare", False, dict(code_type="decode_center_size", box_normalized=True, axis=0)),
):
    single(name, "box_coder", lambda r, v=variance, n=name: {
        "PriorBox": Param(boxes(r, 7, size=30.0 if "pixels" in n else 1.0)), **({"PriorBoxVar": Param(f32(r, 7, 4, low=.1, high=.3))} if v else {}), "TargetBox": f32(r, 2, 7, 4)},
        {"OutputBox": "y"}, **attrs)
single("box_coder_rows", "box_coder", lambda r: {"PriorBox": Param(boxes(r, 3)), "PriorBoxVar": Param(f32(r, 3, 4, low=.1, high=.3)), "TargetBox": f32(r, 3, 5, 4)},
       {"OutputBox": "y"}, open=[], code_type="decode_center_size", box_normalized=True, axis=1)
for norm in True, False:
    single("box_coder_encode" + ("" if norm else "_pixels"), "box_coder", lambda r: {"PriorBox": Param(boxes(r, 7)), "PriorBoxVar": Param(f32(r, 7, 4, low=.1, high=.3)), "TargetBox": boxes(r, 3)},
           {"OutputBox": "y"}, code_type="encode_center_size", box_normalized=norm, axis=0)

YOLO = dict(anchors=[10, 13, 16, 30], class_num=3, conf_thresh=.4, downsample_ratio=8, clip_bbox=True, scale_x_y=1.0, iou_aware=False, iou_aware_factor=.5)
for name, channels, attrs in (("yolo_box", 16, {}), ("yolo_box_scaled", 16, dict(scale_x_y=1.2, clip_bbox=False)), ("yolo_box_iou", 18, dict(iou_aware=True, iou_aware_factor=.4))):
    single(name, "yolo_box", lambda r, c=channels: {"X": f32(r, 2, c, 4, 5), "ImgSize": np.array([[30, 50], [64, 48]], "int32")}, {"Boxes": "b", "Scores": "s"}, **{**YOLO, **attrs})

NMS = dict(background_label=0, score_threshold=.3, nms_top_k=20, nms_threshold=.4, nms_eta=1.0, keep_top_k=12, normalized=True)
NMS3 = {"Out": "o", "Index": "i:int32", "NmsRoisNum": "n:int32"}


def detections(r, pixels=False):
    return {"BBoxes": boxes(r, 2, 40, size=40.0 if pixels else 1.0), "Scores": r.permutation(2 * 4 * 40).reshape(2, 4, 40).astype("float32") / 320}


for name, type, outs, attrs in (
    ("multiclass_nms", "multiclass_nms", {"Out": "o"}, {}),
    ("multiclass_nms_empty", "multiclass_nms", {"Out": "o"}, dict(score_threshold=2.0)),
    ("multiclass_nms2", "multiclass_nms2", {"Out": "o", "Index": "i:int32"}, {}),
    ("multiclass_nms3", "multiclass_nms3", NMS3, {}),
    ("multiclass_nms3_empty", "multiclass_nms3", NMS3, dict(score_threshold=2.0)),
    ("multiclass_nms3_all", "multiclass_nms3", NMS3, dict(keep_top_k=-1, nms_top_k=-1, background_label=-1)),
    ("multiclass_nms3_eta", "multiclass_nms3", NMS3, dict(nms_eta=.8, nms_threshold=.7, background_label=2)),
    ("multiclass_nms3_pixels", "multiclass_nms3", NMS3, dict(normalized=False)),
):
    single(name, type, lambda r, a=attrs: detections(r, not a.get("normalized", True)), outs, **{**NMS, **attrs})
