package graph

import "github.com/octet-dnn/octet/model"

var normImporters = map[string]importFunc{
	"batch_norm":      importBatchNorm,
	"sync_batch_norm": importBatchNorm,
	"affine_channel":  importAffineChannel,
	"layer_norm":      importLayerNorm,
	"lrn":             importLRN,
	"softmax":         importSoftmax,
}

// importBatchNorm always means inference, as saved programs do. The outputs
// other than Y exist for training and are left out.
func importBatchNorm(r *reader) {
	bn := &BatchNorm{Epsilon: r.epsilon()}
	x := r.in("X")
	r.float(x)
	params := []*Value{r.param("Scale"), r.param("Bias"), r.param("Mean"), r.param("Variance")}
	if r.flag("fuse_with_relu", false) {
		bn.Act = Activation{Kind: ActReLU}
	}
	r.spatial("Y", r.channelsLast("data_layout"), bn, x, model.FP32, params...)
}

func (r *reader) epsilon() float32 {
	eps := r.number("epsilon", 1e-5)
	if eps < 0 {
		r.fail(programErr("attribute epsilon is %v", eps))
	}
	return eps
}

// importAffineChannel writes x·scale+bias as a batch normalisation with mean 0
// and variance 1.
func importAffineChannel(r *reader) {
	x, scale, bias := r.in("X"), r.param("Scale"), r.param("Bias")
	r.float(x)
	if r.err != nil {
		return
	}
	stats := unitStats(scale)
	for i, v := range stats {
		if old := r.im.consts[v.Name]; old != nil {
			stats[i] = old
		}
		r.im.consts[v.Name] = stats[i]
	}
	r.spatial("Out", r.channelsLast("data_layout"), &BatchNorm{}, x, model.FP32, scale, bias, stats[0], stats[1])
}

func importLayerNorm(r *reader) {
	l := &LayerNorm{Begin: r.int("begin_norm_axis", 1), Epsilon: r.epsilon()}
	x := r.in("X")
	r.float(x)
	r.emit(l, x, r.optionalParam("Scale"), r.optionalParam("Bias")).out("Y", model.FP32)
}

func importLRN(r *reader) {
	l := &LRN{
		Size:  r.int("n", 5),
		K:     r.number("k", 2),
		Alpha: r.number("alpha", 1e-4),
		Beta:  r.number("beta", .75),
	}
	x := r.in("X")
	r.float(x)
	r.spatial("Out", r.channelsLast("data_format"), l, x, model.FP32)
}

func importSoftmax(r *reader) {
	x := r.in("X")
	r.float(x)
	r.emit(&Softmax{Axis: r.int("axis", -1)}, x).out("Out", model.FP32)
}
