package graph_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// base is a good program that the cases of TestBadPrograms spoil: image x
// [-1,4,8,8] and label, a convolution c with 6 filters, a pool p, a fully
// connected f, softmax and loss.
func base() *net {
	n := newNet()
	n.AddFeed("x", model.FP32, -1, 4, 8, 8)
	n.AddFeed("label", model.Int64, -1, 1)
	n.conv("x", "c", 4, 6, 3, model.IntsAttr("strides", 1, 1), model.IntsAttr("dilations", 1, 1), model.IntAttr("groups", 1))
	n.bn("c", "b", 6)
	n.op("pool2d", "X b", "Out p", model.StringAttr("pooling_type", "avg"), model.IntsAttr("ksize", 2, 2), model.IntsAttr("strides", 2, 2))
	n.op("transpose2", "X p", "Out t", model.IntsAttr("axis", 0, 1, 3, 2))
	n.op("concat", "X t p", "Out j", model.IntAttr("axis", 1))
	n.op("reshape2", "X j", "Out r", model.IntsAttr("shape", 0, -1))
	n.op("mul", "X r,Y "+n.param("w", -.5, 192, 10), "Out f")
	n.op("softmax", "X f", "Out s", model.IntAttr("axis", -1))
	n.op("cross_entropy", "X s,Label label", "Y loss")
	n.AddFetch("loss")
	n.AddFetch("s")
	return n
}

// find returns the first op of a type.
func (n *net) find(typ string) *model.Op {
	for _, o := range n.Ops {
		if o.Type == typ {
			return o
		}
	}
	panic("no " + typ)
}

func (n *net) drop(typ string) {
	for i, o := range n.Ops {
		if o.Type == typ {
			n.Ops = append(n.Ops[:i:i], n.Ops[i+1:]...)
			return
		}
	}
}

func attr(typ string, a model.Attr) func(*net) {
	return func(n *net) { n.find(typ).SetAttr(a) }
}

func wrong(typ string, name string, t model.AttrType, v any) func(*net) {
	return attr(typ, model.Attr{Name: name, Type: t, Value: v})
}

// badPrograms are ways to spoil base, the error that must come of it and a part
// of the message: the op, its variable, and what is wrong.
var badPrograms = []struct {
	name  string
	spoil func(*net)
	is    error
	text  string
}{
	{"no blocks", func(n *net) { n.m.Program.Blocks = nil }, graph.ErrProgram, "no blocks"},
	{"no feed", func(n *net) { n.drop("feed"); n.drop("feed") }, graph.ErrProgram, "no feed op"},
	{"no fetch", func(n *net) { n.drop("fetch"); n.drop("fetch") }, graph.ErrProgram, "no fetch op"},
	{"op without type", func(n *net) { n.find("pool2d").Type = "" }, graph.ErrProgram, "has no type"},
	{"unknown op", func(n *net) { n.find("pool2d").Type = "roi_align" }, graph.ErrUnsupported, "roi_align (1)"},
	{"control flow", func(n *net) { n.find("pool2d").Type = "while" }, graph.ErrUnsupported, "while (1)"},
	{"variable declared twice", func(n *net) { n.AddTensor("c", model.Int32, 1) }, graph.ErrProgram, `"c" is declared twice`},
	{"two feeds of one column", func(n *net) { n.Ops[0].SetAttr(model.IntAttr("col", 0)) }, graph.ErrProgram, "column 0"},
	{"two fetches of one column", func(n *net) { n.Ops[len(n.Ops)-1].SetAttr(model.IntAttr("col", 0)) }, graph.ErrProgram, "column 0"},
	{"negative column", func(n *net) { n.Ops[0].SetAttr(model.IntAttr("col", -1)) }, graph.ErrProgram, "column -1"},
	{"fetch of nothing", func(n *net) { n.find("fetch").Inputs[0].Args[0] = "ghost" }, graph.ErrProgram, `"ghost"`},
	{"feed of a parameter", func(n *net) { n.Ops[0].Outputs[0].Args[0] = "w" }, graph.ErrProgram, `"w" is a parameter`},
	{"feed of an undeclared variable", func(n *net) { n.Ops[0].Outputs[0].Args[0] = "ghost" }, graph.ErrProgram, `"ghost"`},
	{"cycle", func(n *net) { n.find("batch_norm").Inputs[0].Args[0] = "p" }, graph.ErrProgram, `batch_norm "b": op`},
	{"missing slot", func(n *net) { n.find("mul").Inputs = n.find("mul").Inputs[:1] }, graph.ErrProgram, "slot Y is missing"},
	{"slot with two variables", func(n *net) { n.find("mul").Inputs[0].Args = []string{"r", "r"} }, graph.ErrProgram, "slot X has 2"},
	{"op without outputs", func(n *net) { n.find("softmax").Outputs = nil }, graph.ErrProgram, "slot Out is missing"},
	{"missing parameter", func(n *net) { delete(n.m.Params, "w") }, graph.ErrProgram, `"w" has no data`},
	{"short parameter", func(n *net) { n.m.Params["w"].Data = n.m.Params["w"].Data[4:] }, graph.ErrProgram, `"w" has`},
	{"integer weights", func(n *net) { n.m.Params["w"].DType = model.Int32 }, graph.ErrUnsupported, "type int32"},
	{"negative dim of a parameter", func(n *net) { n.m.Params["w"].Dims[0] = -192 }, graph.ErrShape, "out of range"},
	{"writing to a parameter", func(n *net) { n.find("mul").Outputs[0].Args[0] = "w" }, graph.ErrUnsupported, `parameter "w"`},
	{"half precision input", func(n *net) { n.Var("x").DType = model.FP16 }, graph.ErrUnsupported, "float16"},
	{"bool input", func(n *net) { n.Var("x").DType = model.Bool }, graph.ErrUnsupported, "bool"},
	{"integer image", func(n *net) { n.Var("x").DType = model.Int64 }, graph.ErrUnsupported, "int64 instead of float32"},
	{"float label", func(n *net) { n.Var("label").DType = model.FP32 }, graph.ErrUnsupported, "instead of int64"},
	{"input of rank 0", func(n *net) { n.Var("x").Dims = nil }, graph.ErrShape, "rank 0"},
	{"input of rank 9", func(n *net) { n.Var("x").Dims = make([]int64, 9) }, graph.ErrProgram, "rank 9"},
	{"dim 0", func(n *net) { n.Var("x").Dims[1] = 0 }, graph.ErrProgram, "dim 1"},
	{"dim -2", func(n *net) { n.Var("x").Dims[2] = -2 }, graph.ErrProgram, "dim 2"},
	{"dim 2^31", func(n *net) { n.Var("x").Dims[2] = 1 << 31 }, graph.ErrProgram, "dim 2"},
	{"dims that overflow", func(n *net) { n.Var("x").Dims = []int64{math.MaxInt32, 4, math.MaxInt32, math.MaxInt32} }, graph.ErrShape, "passes"},
	{"strides as float", wrong("conv2d", "strides", model.AttrFloat, float32(1)), graph.ErrProgram, `conv2d "c": op 2: attribute strides`},
	{"groups as string", wrong("conv2d", "groups", model.AttrString, "1"), graph.ErrProgram, "attribute groups"},
	{"one stride", attr("conv2d", model.IntsAttr("strides", 1)), graph.ErrProgram, "want two numbers"},
	{"three strides", attr("conv2d", model.IntsAttr("strides", 1, 1, 1)), graph.ErrProgram, "want two numbers"},
	{"no strides", attr("conv2d", model.IntsAttr("strides")), graph.ErrProgram, "want two numbers"},
	{"stride 0", attr("conv2d", model.IntsAttr("strides", 0, 1)), graph.ErrProgram, "want positive"},
	{"stride -1", attr("pool2d", model.IntsAttr("strides", 2, -1)), graph.ErrProgram, "want positive"},
	{"stride beyond 32 bits", wrong("conv2d", "strides", model.AttrLongs, []int64{1 << 31, 1}), graph.ErrProgram, "attribute strides holds"},
	{"dilation 0", attr("conv2d", model.IntsAttr("dilations", 1, 0)), graph.ErrProgram, "want positive"},
	{"huge dilation", attr("conv2d", model.IntsAttr("dilations", math.MaxInt32, 1)), graph.ErrShape, `conv "c"`},
	{"groups 0", attr("conv2d", model.IntAttr("groups", 0)), graph.ErrProgram, "groups is 0"},
	{"groups that do not divide", attr("conv2d", model.IntAttr("groups", 3)), graph.ErrShape, "3 groups"},
	{"groups above channels", attr("conv2d", model.IntAttr("groups", 64)), graph.ErrShape, "64 groups"},
	{"kernel above input", func(n *net) { n.Var("x").Dims[2] = 1; n.find("conv2d").SetAttr(model.IntsAttr("paddings", 0, 0)) }, graph.ErrShape, "larger than the input"},
	{"negative padding", attr("conv2d", model.IntsAttr("paddings", -1, 0)), graph.ErrProgram, "no negative number"},
	{"three paddings", attr("conv2d", model.IntsAttr("paddings", 1, 1, 1)), graph.ErrProgram, "two or four"},
	{"huge padding", attr("conv2d", model.IntsAttr("paddings", math.MaxInt32, math.MaxInt32)), graph.ErrShape, "out of range"},
	{"unknown padding algorithm", attr("conv2d", model.StringAttr("padding_algorithm", "FULL")), graph.ErrProgram, `"FULL"`},
	{"unknown layout", attr("conv2d", model.StringAttr("data_format", "NC8HW")), graph.ErrUnsupported, "NC8HW"},
	{"unknown fused activation", attr("conv2d", model.StringAttr("fuse_activation", "selu")), graph.ErrUnsupported, "selu"},
	{"relu6 that gives zeros", attr("conv2d", model.StringAttr("fuse_activation", "relu6")), graph.ErrProgram, "relu6"},
	{"residual without data", attr("conv2d", model.BoolAttr("fuse_residual_connection", true)), graph.ErrProgram, "ResidualData"},
	{"relu in front of the convolution", attr("conv2d", model.BoolAttr("fuse_relu_before_depthwise_conv", true)), graph.ErrUnsupported, "in front"},
	{"pool without type", func(n *net) { n.find("pool2d").Attrs = n.find("pool2d").Attrs[1:] }, graph.ErrProgram, "pooling_type"},
	{"pool window 0", attr("pool2d", model.IntsAttr("ksize", 0, 2)), graph.ErrProgram, "want positive"},
	{"pool window in the padding", attr("pool2d", model.IntsAttr("paddings", 2, 2)), graph.ErrShape, "wholly in the padding"},
	{"ceil window beyond the input", func(n *net) {
		for _, a := range []model.Attr{model.IntsAttr("ksize", 1, 1), model.IntsAttr("strides", 5, 5), model.BoolAttr("ceil_mode", true)} {
			n.find("pool2d").SetAttr(a)
		}
	}, graph.ErrShape, "wholly in the padding"},
	{"adaptive pool to a huge map", func(n *net) {
		n.find("pool2d").SetAttr(model.BoolAttr("adaptive", true))
		n.find("pool2d").SetAttr(model.IntsAttr("ksize", math.MaxInt32, math.MaxInt32))
	}, graph.ErrShape, "passes"},
	{"epsilon NaN", attr("batch_norm", model.FloatAttr("epsilon", float32(math.NaN()))), graph.ErrProgram, "epsilon is NaN"},
	{"epsilon negative", attr("batch_norm", model.FloatAttr("epsilon", -1)), graph.ErrProgram, "epsilon is -1"},
	{"variance negative", func(n *net) { n.m.Params["b_var"].Float32s()[2] = -1 }, graph.ErrProgram, "channel 2"},
	{"variance NaN", func(n *net) { n.m.Params["b_var"].Float32s()[0] = float32(math.NaN()) }, graph.ErrProgram, "channel 0"},
	{"normalisation of other channels", func(n *net) { n.m.Params["b_var"].Dims[0] = 5; n.m.Params["b_var"].Data = make([]byte, 20) }, graph.ErrShape, "variance is 5"},
	{"two open dims", attr("reshape2", model.IntsAttr("shape", -1, -1)), graph.ErrShape, `reshape "r"`},
	{"dim 0 of nothing", attr("reshape2", model.IntsAttr("shape", 0, 192, 1, 1, 0)), graph.ErrShape, `reshape "r"`},
	{"wrong count", attr("reshape2", model.IntsAttr("shape", 0, 191)), graph.ErrShape, `reshape "r"`},
	{"shape that overflows", attr("reshape2", model.IntsAttr("shape", math.MaxInt32, math.MaxInt32, math.MaxInt32)), graph.ErrShape, "passes"},
	{"shape from a tensor", func(n *net) {
		n.find("reshape2").Inputs = append(n.find("reshape2").Inputs, model.Slots("Shape", "label")...)
	}, graph.ErrUnsupported, "depends on the data"},
	{"repeated axis", attr("transpose2", model.IntsAttr("axis", 0, 1, 1, 2)), graph.ErrShape, "permutation"},
	{"short permutation", attr("transpose2", model.IntsAttr("axis", 1, 0)), graph.ErrShape, "permutation"},
	{"concat axis", attr("concat", model.IntAttr("axis", 4)), graph.ErrShape, "axis 4"},
	{"concat of nothing", func(n *net) { n.find("concat").Inputs[0].Args = nil }, graph.ErrProgram, "slot X is missing"},
	{"concat of other dims", func(n *net) { n.find("concat").Inputs[0].Args[1] = "b" }, graph.ErrShape, "joined along 1"},
	{"softmax axis", attr("softmax", model.IntAttr("axis", -3)), graph.ErrShape, "axis -3"},
	{"x_num_col_dims 0", attr("mul", model.IntAttr("x_num_col_dims", 0)), graph.ErrShape, "0 and 1 column dims"},
	{"inner dims", func(n *net) { n.m.Params["w"].Dims = []int64{96, 20} }, graph.ErrShape, "inner dims"},
	{"soft labels", attr("cross_entropy", model.BoolAttr("soft_label", true)), graph.ErrUnsupported, "soft labels"},
	{"label of another rank", func(n *net) { n.Var("label").Dims = []int64{-1} }, graph.ErrShape, "labels"},
	{"broadcast axis", func(n *net) { n.op("elementwise_add", "X p,Y t", "Out e", model.IntAttr("axis", 7)) }, graph.ErrShape, "broadcast axis 7"},
	{"negative broadcast axis", func(n *net) { n.op("elementwise_add", "X p,Y t", "Out e", model.IntAttr("axis", -2)) }, graph.ErrShape, "broadcast axis -2"},
	{"shapes that do not broadcast", func(n *net) { n.op("elementwise_add", "X c,Y t", "Out e") }, graph.ErrShape, "do not broadcast"},
	{"top of too few", func(n *net) { n.op("top_k", "X s", "Out v,Indices i", model.IntAttr("k", 11)) }, graph.ErrShape, "top 11 of 10"},
	{"split that does not add up", func(n *net) {
		n.op("split", "X p", "Out e1 e2", model.IntAttr("axis", 1), model.IntsAttr("sections", 2, 5))
	}, graph.ErrShape, "pieces [2 5]"},
	{"empty slice", func(n *net) {
		n.op("slice", "Input p", "Out e", model.IntsAttr("axes", 1), model.IntsAttr("starts", 3), model.IntsAttr("ends", 3))
	}, graph.ErrShape, "empty"},
	{"slice without ends", func(n *net) {
		n.op("slice", "Input p", "Out e", model.IntsAttr("axes", 1), model.IntsAttr("starts", 3))
	}, graph.ErrShape, "0 ends"},
	{"a million new axes", func(n *net) { n.op("unsqueeze2", "X p", "Out e", model.IntsAttr("axes", make([]int32, 1_000_000)...)) }, graph.ErrShape, "rank beyond 8"},
	{"huge constant", func(n *net) {
		n.op("fill_constant", "X", "Out e", model.LongsAttr("shape", 1<<20, 1<<20), model.IntAttr("dtype", 5))
	}, graph.ErrShape, "passes"},
	{"scale 0", func(n *net) { n.op("quantize", "Input c", "Output e", model.FloatAttr("Scale", 0)) }, graph.ErrProgram, "Scale is 0"},
	{"scale NaN", func(n *net) {
		n.op("quantize", "Input c", "Output e", model.FloatAttr("Scale", float32(math.NaN())))
	}, graph.ErrProgram, "Scale is NaN"},
	{"scale infinite", func(n *net) {
		n.op("quantize", "Input c", "Output e", model.FloatAttr("Scale", float32(math.Inf(1))))
	}, graph.ErrProgram, "Scale is +Inf"},
	{"zero point", func(n *net) { n.op("quantize", "Input c", "Output e", model.FloatAttr("Shift", 128)) }, graph.ErrUnsupported, "Shift 128"},
	{"dequantize of floats", func(n *net) { n.op("dequantize", "Input c", "Output e") }, graph.ErrUnsupported, "float32 instead of uint8"},
	{"integers at a layer that knows none", func(n *net) {
		n.op("quantize", "Input c", "Output q")
		n.op("tanh", "X q", "Out e")
	}, graph.ErrUnsupported, `tanh "e"`},
	{"INT8 scale 0", quantConv(model.FloatAttr("Scale_in", 0)), graph.ErrProgram, "Scale_in is 0"},
	{"INT8 scale infinite", quantConv(model.FloatAttr("Scale_out", float32(math.Inf(1)))), graph.ErrProgram, "Scale_out"},
	{"INT8 weight scales of other channels", quantConv(model.FloatsAttr("Scale_weights", 1, 2, 3)), graph.ErrShape, "3 weight scales for 6"},
	{"INT8 weight scale negative", quantConv(model.FloatsAttr("Scale_weights", -1)), graph.ErrProgram, "Scale_weights holds -1"},
	{"INT8 weight scales empty", quantConv(model.FloatsAttr("Scale_weights")), graph.ErrProgram, "Scale_weights is empty"},
	{"INT8 with a float residual", func(n *net) {
		quantConv(model.BoolAttr("fuse_residual_connection", true))(n)
		o := n.Ops[len(n.Ops)-1]
		o.Inputs = append(o.Inputs, model.Slots("ResidualData", "c")...)
	}, graph.ErrUnsupported, "residual"},
}

// quantConv appends an INT8 convolution over a quantised c.
func quantConv(a model.Attr) func(*net) {
	return func(n *net) {
		n.op("quantize", "Input c", "Output q")
		n.op("conv2d", "Input q,Filter "+n.param("qw", -.5, 6, 6, 3, 3), "Output e", model.IntsAttr("paddings", 1, 1), a)
	}
}

// TestBadPrograms spoils a good program in every way we know of. Each must give
// its error, from Import or from the passes, and never a panic.
func TestBadPrograms(t *testing.T) {
	if _, err := graph.Build(base().m); err != nil {
		t.Fatalf("the unspoilt program: %v", err)
	}
	for _, tt := range badPrograms {
		t.Run(tt.name, func(t *testing.T) {
			n := base()
			tt.spoil(n)
			_, err := graph.Build(n.m)
			if !errors.Is(err, tt.is) {
				t.Fatalf("got error %v, want one that wraps %q", err, tt.is)
			}
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %q does not say %q", err, tt.text)
			}
		})
	}
}

// TestUnsupportedListsAll asks for one error with all unknown types and counts.
func TestUnsupportedListsAll(t *testing.T) {
	n := base()
	n.op("roi_align", "X x", "Out a")
	n.op("roi_align", "X x", "Out b")
	n.op("conditional_block", "X x", "Out c2")
	_, err := graph.Build(n.m)
	var u *graph.UnsupportedError
	if !errors.As(err, &u) || !errors.Is(err, graph.ErrUnsupported) {
		t.Fatalf("got %v", err)
	}
	const want = "2 unsupported operation types: conditional_block (1), roi_align (2)"
	if u.Error() != want {
		t.Errorf("got %q, want %q", u.Error(), want)
	}
}
