package operators

import (
	"errors"
	"fmt"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// promised are the operators of Paddle 1.3 to 2.6 that image networks of
// convolutions are made of, by their kind. Feed and fetch are how programs begin
// and end; INT8 has its own tests.
var promised = []struct {
	kind string
	ops  []string
}{
	{"convolution", []string{"conv2d", "depthwise_conv2d", "conv2d_transpose", "depthwise_conv2d_transpose"}},
	{"pooling", []string{"pool2d", "max_pool2d_with_index"}},
	{"normalisation", []string{"batch_norm", "affine_channel", "layer_norm", "lrn"}},
	{"activation", []string{"relu", "relu6", "sigmoid", "tanh", "leaky_relu", "prelu", "swish", "silu", "mish", "gelu", "clip", "hard_swish", "hard_sigmoid",
		"pow", "exp", "sqrt", "square", "abs", "softmax"}},
	{"elementwise", []string{"elementwise_add", "elementwise_sub", "elementwise_mul", "elementwise_div", "elementwise_max", "elementwise_min",
		"elementwise_pow", "elementwise_mod", "elementwise_floordiv", "sum", "scale"}},
	{"linear", []string{"mul", "matmul", "matmul_v2", "fc"}},
	{"reduction", []string{"mean", "reduce_mean", "reduce_sum", "reduce_max", "reduce_min", "reduce_prod"}},
	{"shape", []string{"reshape", "reshape2", "flatten", "flatten2", "flatten_contiguous_range", "squeeze", "squeeze2", "unsqueeze", "unsqueeze2", "transpose",
		"transpose2", "concat", "split", "slice", "strided_slice", "stack", "unstack", "shape", "fill_constant", "fill_constant_batch_size_like",
		"shuffle_channel", "pad", "pad2d", "pad3d", "expand_v2", "expand_as_v2", "tile", "cast", "assign", "dropout"}},
	{"resampling", []string{"nearest_interp", "bilinear_interp", "nearest_interp_v2", "bilinear_interp_v2"}},
	{"detection", []string{"prior_box", "density_prior_box", "box_coder", "yolo_box", "multiclass_nms", "multiclass_nms2", "multiclass_nms3"}},
	{"label", []string{"cross_entropy", "cross_entropy2", "softmax_with_cross_entropy", "top_k", "top_k_v2", "accuracy", "arg_max"}},
}

// TestCoverage holds that every promised operator is imported, and computed in a
// golden, which TestGoldens runs. pool3d has none of its own: Paddle writes it for
// local response normalisation alone, and it has to be read as a part of that.
func TestCoverage(t *testing.T) {
	computed := map[string]int{}
	cases := 0
	for _, g := range goldens(t) {
		cases++
		here := map[string]bool{}
		for _, op := range g.model.Program.Blocks[0].Ops {
			here[op.Type] = true
		}
		for op := range here {
			computed[op]++
		}
	}
	count := 0
	for _, p := range promised {
		for _, op := range p.ops {
			count++
			if !imported(op) {
				t.Errorf("%s %s is refused", p.kind, op)
			}
			if computed[op] == 0 {
				t.Errorf("%s %s: no golden computes it", p.kind, op)
			}
		}
	}
	if !t.Failed() {
		fmt.Printf("operators: all %d, of %d kinds, are read and computed as by real Paddle, in %d programs\n", count, len(promised), cases)
	}
	if imported("no_such_operator") {
		t.Error("an operator that does not exist is imported")
	}
}

// imported reports whether graph.Import knows a type of operator.
func imported(op string) bool {
	m := &model.Model{Program: &model.Program{Blocks: []*model.Block{{}}}}
	m.Program.Blocks[0].AddOp(op, nil, nil)
	_, err := graph.Import(m)
	var unknown *graph.UnsupportedError
	return !errors.As(err, &unknown)
}
