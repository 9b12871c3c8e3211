package zoo

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// tolerance is the project's promise for FP32, relative to the largest
// magnitude of an output.
const tolerance = 1e-4

// relative returns the largest difference of two lists of tensors, relative to
// the largest magnitude in each of want. Dims must agree, integers be equal.
func relative(got, want []*model.Tensor) (float64, error) {
	if len(got) != len(want) {
		return 0, fmt.Errorf("%d outputs: want %d", len(got), len(want))
	}
	worst := 0.0
	for i, w := range want {
		g := got[i]
		exact := g.DType == model.FP32 && w.DType == model.FP64
		if g.DType != w.DType && !exact || !slices.Equal(g.Dims, w.Dims) {
			return 0, fmt.Errorf("output %d is %v %v: want %v %v", i, g.DType, g.Dims, w.DType, w.Dims)
		}
		if g.DType != model.FP32 {
			if !slices.Equal(g.Data, w.Data) {
				return 0, fmt.Errorf("output %d has other integers", i)
			}
			continue
		}
		top, far := 1e-30, 0.0
		x := g.Float32s()
		for j, y := range floats(w) {
			top = max(top, math.Abs(y))
			if d := math.Abs(float64(x[j]) - y); !(d <= far) {
				far = d
			}
		}
		worst = max(worst, far/top)
	}
	return worst, nil
}

// floats returns the elements of a tensor of FP32 or FP64.
func floats(x *model.Tensor) []float64 {
	out := make([]float64, x.Len())
	if x.DType == model.FP64 {
		for i := range out {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(x.Data[8*i:]))
		}
		return out
	}
	for i, v := range x.Float32s() {
		out[i] = float64(v)
	}
	return out
}

// cosine returns the smallest cosine of the outputs of two runs of g. Lists of
// boxes are left out: a quantum decides which of two is the better one. The boxes
// and scores that they are chosen from are outputs of their own in the zoo.
func cosine(g *graph.Graph, a, b []*model.Tensor) (float64, error) {
	if len(a) != len(b) {
		return 0, fmt.Errorf("%d and %d outputs", len(a), len(b))
	}
	least, compared := 1.0, 0
	for i := range a {
		if p := g.Outputs[i].Value.Producer; p != nil && graph.Bounded(p.Op) {
			continue
		}
		if a[i].DType != model.FP32 || !slices.Equal(a[i].Dims, b[i].Dims) {
			return 0, fmt.Errorf("output %d is %v %v and %v %v", i, a[i].DType, a[i].Dims, b[i].DType, b[i].Dims)
		}
		var aa, ab, bb float64
		x, y := a[i].Float32s(), b[i].Float32s()
		for j := range x {
			p, q := float64(x[j]), float64(y[j])
			aa, ab, bb = aa+p*p, ab+p*q, bb+q*q
		}
		if c := ab / math.Sqrt(aa*bb); !(c >= least) {
			least = c
		}
		compared++
	}
	if compared == 0 {
		return 0, fmt.Errorf("nothing to compare")
	}
	return least, nil
}
