package nets

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A builder writes one program with its parameters, following the current value.
type builder struct {
	m     *model.Model
	block *model.Block
	rng   *rand.Rand
	names int
}

func newBuilder(name string, seed uint64) *builder {
	b := &builder{
		m:     &model.Model{Name: name, Program: &model.Program{}, Params: map[string]*model.Tensor{}},
		block: &model.Block{Parent: -1, ForwardBlock: -1},
		rng:   rand.New(rand.NewPCG(seed, 0x0c7e7)),
	}
	b.m.Program.Blocks = []*model.Block{b.block}
	b.block.Vars = []*model.Var{
		{Name: "feed", Type: model.VarFeedMinibatch, Persistable: true},
		{Name: "fetch", Type: model.VarFetchList, Persistable: true},
	}
	return b
}

func (b *builder) feed(name string, dims ...int64) string {
	b.tensor(name, append([]int64{-1}, dims...), false)
	b.op("feed", in("X", "feed"), out("Out", name), attr("col", int32(0)))
	return name
}

func (b *builder) fetch(name string) *model.Model {
	b.op("fetch", in("X", name), out("Out", "fetch"), attr("col", int32(0)))
	b.declare()
	return b.m
}

// declare gives every computed variable its dims, as Paddle does.
func (b *builder) declare() {
	g, err := graph.Import(b.m)
	if err != nil {
		panic(err) // the program was made just above, of operators that Octet knows
	}
	in, err := g.InputShapes(1)
	if err != nil {
		panic(err) // only the batch is open
	}
	shapes, err := graph.InferShapes(g, in)
	if err != nil {
		panic(err)
	}
	for v, shape := range shapes {
		declared := b.block.Var(v.Name)
		if v.Const != nil || declared == nil {
			continue
		}
		declared.Dims = []int64{-1}
		for _, d := range shape[1:] {
			declared.Dims = append(declared.Dims, int64(d))
		}
	}
}

// conv adds convolution, batch normalisation and, if named, an activation.
func (b *builder) conv(x, name string, inC, outC, kernel, stride, groups int, gamma float32, act string) string {
	std := math.Sqrt(2 / float64(inC/groups*kernel*kernel))
	filter := b.random(name+"_weights", std, 0, outC, inC/groups, kernel, kernel)
	kind := "conv2d"
	if groups > 1 {
		kind = "depthwise_conv2d"
	}
	pad := int32((kernel - 1) / 2)
	y := b.value("conv")
	b.op(kind, in("Input", x), in("Filter", filter), out("Output", y),
		attr("strides", []int32{int32(stride), int32(stride)}), attr("paddings", []int32{pad, pad}),
		attr("dilations", []int32{1, 1}), attr("groups", int32(groups)),
		attr("padding_algorithm", "EXPLICIT"), attr("data_format", "NCHW"))
	y = b.batchNorm(y, name+"_bn", outC, gamma)
	if act != "" {
		y = b.unary(act, y)
	}
	return y
}

func (b *builder) batchNorm(x, name string, c int, gamma float32) string {
	y := b.value("batch_norm")
	scale, bias := b.random(name+"_scale", 0.1*float64(gamma), gamma, c), b.random(name+"_offset", 0.1, 0, c)
	mean, variance := b.random(name+"_mean", 0, 0, c), b.random(name+"_variance", 0, 1, c)
	b.op("batch_norm", in("X", x), in("Scale", scale), in("Bias", bias), in("Mean", mean), in("Variance", variance),
		out("Y", y), out("MeanOut", mean), out("VarianceOut", variance), // required by Paddle, in inference too
		out("SavedMean", b.value("saved_mean")), out("SavedVariance", b.value("saved_variance")), attr("epsilon", float32(1e-5)), attr("is_test", true), attr("data_layout", "NCHW"))
	return y
}

func (b *builder) unary(kind, x string) string {
	y := b.value(kind)
	b.op(kind, in("X", x), out("Out", y))
	return y
}

func (b *builder) add(x, y string) string {
	z := b.value("elementwise_add")
	b.op("elementwise_add", in("X", x), in("Y", y), out("Out", z), attr("axis", int32(-1)))
	return z
}

func (b *builder) pool(x, kind string, kernel, stride, pad int32, global bool) string {
	y := b.value("pool2d")
	b.op("pool2d", in("X", x), out("Out", y), attr("pooling_type", kind), attr("ksize", []int32{kernel, kernel}),
		attr("strides", []int32{stride, stride}), attr("paddings", []int32{pad, pad}), attr("global_pooling", global),
		attr("ceil_mode", false), attr("exclusive", true), attr("adaptive", false))
	return y
}

// classify adds a fully connected layer and softmax.
func (b *builder) classify(x string, features, classes int) string {
	w := b.random("fc_weights", 1/math.Sqrt(float64(features)), 0, features, classes)
	bias := b.random("fc_offset", 0.01, 0, classes)
	y, z := b.value("mul"), b.value("fc")
	b.op("mul", in("X", x), in("Y", w), out("Out", y), attr("x_num_col_dims", int32(1)), attr("y_num_col_dims", int32(1)))
	b.op("elementwise_add", in("X", y), in("Y", bias), out("Out", z), attr("axis", int32(1)))
	p := b.value("softmax")
	b.op("softmax", in("X", z), out("Out", p), attr("axis", int32(-1)))
	return p
}

// random adds a parameter of normal values of that spread around mean.
func (b *builder) random(name string, std float64, mean float32, dims ...int) string {
	n := 1
	for _, v := range dims {
		n *= v
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = mean
		if std > 0 {
			x[i] += float32(b.rng.NormFloat64() * std)
		}
	}
	return b.param(name, x, dims...)
}

// param adds a parameter.
func (b *builder) param(name string, x []float32, dims ...int) string {
	var d []int64
	for _, v := range dims {
		d = append(d, int64(v))
	}
	t, err := model.Float32Tensor(x, d...)
	if err != nil {
		panic(err) // dims and data were made together just above
	}
	b.m.Params[name] = t
	b.tensor(name, d, true)
	return name
}

func (b *builder) value(kind string) string {
	name := fmt.Sprintf("%s_%d.tmp_0", kind, b.names)
	b.names++
	b.tensor(name, nil, false)
	return name
}

func (b *builder) tensor(name string, dims []int64, param bool) {
	b.block.Vars = append(b.block.Vars, &model.Var{Name: name, Type: model.VarLoDTensor, DType: model.FP32, Dims: dims, Persistable: param})
}

// A part is one piece of an operator: an input, an output or an attribute.
type part func(*model.Op)

func (b *builder) op(kind string, parts ...part) {
	o := &model.Op{Type: kind}
	for _, p := range parts {
		p(o)
	}
	attr("op_role", int32(0))(o) // forward; Paddle's own quantiser wants to be told
	b.block.Ops = append(b.block.Ops, o)
}

func in(slot, name string) part {
	return func(o *model.Op) { o.Inputs = append(o.Inputs, model.Slot{Name: slot, Args: []string{name}}) }
}

func out(slot, name string) part {
	return func(o *model.Op) { o.Outputs = append(o.Outputs, model.Slot{Name: slot, Args: []string{name}}) }
}

func attr(name string, value any) part {
	types := map[string]model.AttrType{"int32": model.AttrInt, "float32": model.AttrFloat, "string": model.AttrString, "bool": model.AttrBool, "[]int32": model.AttrInts}
	return func(o *model.Op) {
		o.Attrs = append(o.Attrs, model.Attr{Name: name, Type: types[fmt.Sprintf("%T", value)], Value: value})
	}
}
