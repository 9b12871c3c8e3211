package hostop

import (
	"fmt"
	"math"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// Layers that work on rows of class scores and on labels.

// lnZero is what Paddle gives for -ln(0): its cross entropy clamps ln to -1e20.
const lnZero = 1e20

func crossEntropy(ignore int64) Kernel {
	return func(t []*Tensor) (func() error, error) {
		if err := want(t, model.FP32, model.Int64, model.FP32); err != nil {
			return nil, err
		}
		return func() error { return lossOf(t[0], t[1], t[2], ignore) }, nil
	}
}

func lossOf(p, label, loss *Tensor, ignore int64) error {
	classes := p.Dims[len(p.Dims)-1]
	for i := range loss.F32 {
		c := label.I64[i]
		switch {
		case c == ignore:
			loss.F32[i] = 0
		case c < 0 || c >= int64(classes):
			return fmt.Errorf("label %d of row %d: want 0 … %d", c, i, classes-1)
		default:
			l := -math.Log(float64(p.F32[i*classes+int(c)]))
			loss.F32[i] = float32(min(l, lnZero))
		}
	}
	return nil
}

func softmaxCrossEntropy(op *graph.SoftmaxCrossEntropy) Kernel {
	return func(t []*Tensor) (func() error, error) {
		logits, label, p, loss := t[0], t[1], t[2], t[3]
		if err := want(t, model.FP32, model.Int64, model.FP32, model.FP32); err != nil {
			return nil, err
		}
		normalise, err := softmax(op.Axis)([]*Tensor{logits, p})
		if err != nil {
			return nil, err
		}
		return func() error {
			if err := normalise(); err != nil {
				return err
			}
			return lossOf(p, label, loss, op.IgnoreIndex)
		}, nil
	}
}

// softmax sums in float64.
func softmax(axis int) Kernel {
	return func(t []*Tensor) (func() error, error) {
		if err := want(t, model.FP32, model.FP32); err != nil {
			return nil, err
		}
		x, y := t[0], t[1]
		n, stride, starts := lines(x.Dims, axis)
		return func() error {
			for _, start := range starts {
				softmaxLine(x.F32[start:], y.F32[start:], n, stride)
			}
			return nil
		}, nil
	}
}

func softmaxLine(x, y []float32, n, stride int) {
	top := float32(math.Inf(-1))
	for i := range n {
		top = max(top, x[i*stride])
	}
	var sum float64
	for i := range n {
		e := math.Exp(float64(x[i*stride] - top))
		y[i*stride] = float32(e)
		sum += e
	}
	for i := range n {
		y[i*stride] = float32(float64(y[i*stride]) / sum)
	}
}

// lines returns how a tensor falls into vectors along axis: their length, the
// stride of their elements, and where each starts.
func lines(dims []int, axis int) (n, stride int, starts []int) {
	axis = axisOf(axis, len(dims))
	n, stride = dims[axis], elems(dims[axis+1:])
	for outer := range elems(dims[:axis]) {
		for inner := range stride {
			starts = append(starts, outer*n*stride+inner)
		}
	}
	return n, stride, starts
}

func topK(op *graph.TopK) Kernel {
	return func(t []*Tensor) (func() error, error) {
		if err := want(t, model.FP32, model.FP32, model.Int64); err != nil {
			return nil, err
		}
		x, values, indices := t[0], t[1], t[2]
		n, stride, from := lines(x.Dims, op.Axis)
		k, outStride, to := lines(values.Dims, op.Axis)
		return func() error {
			for i, start := range from {
				topLine(op, x.F32[start:], n, stride, values.F32[to[i]:], indices.I64[to[i]:], k, outStride)
			}
			return nil
		}, nil
	}
}

// topLine selects by insertion: k is 1 or 5 in practice.
func topLine(op *graph.TopK, x []float32, n, stride int, values []float32, indices []int64, k, step int) {
	better := func(a, b float32) bool {
		if op.Smallest {
			return a < b
		}
		return a > b
	}
	have := 0
	for i := range n {
		v := x[i*stride]
		j := have
		for j > 0 && better(v, values[(j-1)*step]) {
			j--
		}
		if j >= k {
			continue
		}
		have = min(have+1, k)
		for m := have - 1; m > j; m-- {
			values[m*step], indices[m*step] = values[(m-1)*step], indices[(m-1)*step]
		}
		values[j*step], indices[j*step] = v, int64(i)
	}
}

func argMax(op *graph.ArgMax) Kernel {
	return func(t []*Tensor) (func() error, error) {
		if err := want(t, model.FP32, model.Int64); err != nil {
			return nil, err
		}
		x, y := t[0], t[1]
		n, stride, from := lines(x.Dims, op.Axis)
		return func() error {
			for i, start := range from {
				best := 0
				for j := range n {
					if x.F32[start+j*stride] > x.F32[start+best*stride] {
						best = j
					}
				}
				y.I64[i] = int64(best)
			}
			return nil
		}, nil
	}
}

// accuracy counts the rows whose label is among their indices.
func accuracy(t []*Tensor) (func() error, error) {
	indices, label, out := t[1], t[2], t[3:]
	return func() error {
		rows := indices.Dims[0]
		k := len(indices.I64) / rows
		hits := 0
		for i := range rows {
			for _, c := range indices.I64[i*k : (i+1)*k] {
				if c == label.I64[i] {
					hits++
					break
				}
			}
		}
		out[0].F32[0] = float32(hits) / float32(rows)
		for i, n := range []int{hits, rows} {
			if len(out) > 1+i && out[1+i] != nil {
				out[1+i].I32[0] = int32(n)
			}
		}
		return nil
	}, nil
}
