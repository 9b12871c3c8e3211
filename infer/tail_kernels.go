package infer

import (
	"fmt"
	"math"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// hostKernel returns the function that computes op in Go. What works on whole
// batches is small: a row of class scores an image.
func hostKernel(op graph.Op, in, out []*hostTensor) (func() error, error) {
	switch op := op.(type) {
	case *graph.CrossEntropy:
		return func() error { return crossEntropy(in[0], in[1], out[0], op.IgnoreIndex) }, nil
	case *graph.SoftmaxCrossEntropy:
		return func() error {
			if err := hostSoftmax(in[0], out[0], op.Axis); err != nil {
				return err
			}
			return crossEntropy(out[0], in[1], out[1], op.IgnoreIndex)
		}, nil
	case *graph.TopK:
		return topKKernel(op, in[0], out)
	case *graph.ArgMax:
		return argMaxKernel(op, in[0], out[0])
	case *graph.Accuracy:
		return func() error { return accuracy(in[1], in[2], out) }, nil
	case *graph.Reduce:
		if len(op.Axes) != 0 && len(op.Axes) != len(in[0].dims) {
			return nil, fmt.Errorf("average over dims %v of %v in the label tail: %w", op.Axes, in[0].dims, errUnsupported)
		}
		return func() error { return hostMean(in[0], out[0]) }, nil
	case *graph.Act:
		return hostActivation(op.Activation, in[0], out[0])
	case *graph.Identity, *graph.Reshape:
		return func() error { copy(out[0].data, in[0].data); return nil }, nil
	case *graph.Cast:
		return func() error { return hostCast(in[0], out[0]) }, nil
	case *graph.Softmax:
		return func() error { return hostSoftmax(in[0], out[0], op.Axis) }, nil
	}
	return nil, fmt.Errorf("in the label tail: %w", errUnsupported)
}

// lnZero is what Paddle gives for -ln(0): its cross entropy clamps ln to -1e20.
const lnZero = 1e20

func crossEntropy(p, label, loss *hostTensor, ignore int64) error {
	classes := p.dims[len(p.dims)-1]
	for i := range loss.f32 {
		c := label.i64[i]
		switch {
		case c == ignore:
			loss.f32[i] = 0
		case c < 0 || c >= int64(classes):
			return fmt.Errorf("label %d of row %d: want 0 … %d", c, i, classes-1)
		default:
			l := -math.Log(float64(p.f32[i*classes+int(c)]))
			loss.f32[i] = float32(min(l, lnZero))
		}
	}
	return nil
}

// hostSoftmax normalises the last dim.
func hostSoftmax(x, y *hostTensor, axis int) error {
	if axis != -1 && axis != len(x.dims)-1 {
		return fmt.Errorf("softmax over dim %d of %v in the label tail: %w", axis, x.dims, errUnsupported)
	}
	n := x.dims[len(x.dims)-1]
	for row := 0; row < len(x.f32); row += n {
		src, dst := x.f32[row:row+n], y.f32[row:row+n]
		top := float32(math.Inf(-1))
		for _, v := range src {
			top = max(top, v)
		}
		var sum float64
		for i, v := range src {
			e := math.Exp(float64(v - top))
			dst[i] = float32(e)
			sum += e
		}
		for i := range dst {
			dst[i] = float32(float64(dst[i]) / sum)
		}
	}
	return nil
}

// lines returns how a tensor falls into vectors along axis: their length, the
// stride of their elements, and where each starts.
func lines(dims []int, axis int) (n, stride int, starts []int) {
	if axis < 0 {
		axis += len(dims)
	}
	n, stride = dims[axis], elems(dims[axis+1:])
	for outer := range elems(dims[:axis]) {
		for inner := range stride {
			starts = append(starts, outer*n*stride+inner)
		}
	}
	return n, stride, starts
}

func topKKernel(op *graph.TopK, x *hostTensor, out []*hostTensor) (func() error, error) {
	if x.dtype != model.FP32 {
		return nil, fmt.Errorf("top-k of %v: %w", x.dtype, errUnsupported)
	}
	n, stride, from := lines(x.dims, op.Axis)
	k, outStride, to := lines(out[0].dims, op.Axis)
	return func() error {
		for i, start := range from {
			topK(op, x.f32[start:], n, stride, out[0].f32[to[i]:], out[1].i64[to[i]:], k, outStride)
		}
		return nil
	}, nil
}

// topK selects by insertion: k is 1 or 5 in practice.
func topK(op *graph.TopK, x []float32, n, stride int, values []float32, indices []int64, k, step int) {
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

func argMaxKernel(op *graph.ArgMax, x, y *hostTensor) (func() error, error) {
	if x.dtype != model.FP32 || y.dtype != model.Int64 {
		return nil, fmt.Errorf("arg max of %v as %v: %w", x.dtype, y.dtype, errUnsupported)
	}
	n, stride, from := lines(x.dims, op.Axis)
	return func() error {
		for i, start := range from {
			best := 0
			for j := range n {
				if x.f32[start+j*stride] > x.f32[start+best*stride] {
					best = j
				}
			}
			y.i64[i] = int64(best)
		}
		return nil
	}, nil
}

func accuracy(indices, label *hostTensor, out []*hostTensor) error {
	rows := indices.dims[0]
	k := len(indices.i64) / rows
	hits := 0
	for i := range rows {
		for _, c := range indices.i64[i*k : (i+1)*k] {
			if c == label.i64[i] {
				hits++
				break
			}
		}
	}
	out[0].f32[0] = float32(hits) / float32(rows)
	for i, n := range []int{hits, rows} {
		if len(out) > 1+i && len(out[1+i].i32) > 0 {
			out[1+i].i32[0] = int32(n)
		}
	}
	return nil
}

func hostMean(x, y *hostTensor) error {
	var sum float64
	for _, v := range x.f32 {
		sum += float64(v)
	}
	y.f32[0] = float32(sum / float64(len(x.f32)))
	return nil
}

func hostActivation(a graph.Activation, x, y *hostTensor) (func() error, error) {
	if a.Kind != graph.ActLinear || x.dtype != model.FP32 {
		return nil, fmt.Errorf("activation %d of %v in the label tail: %w", a.Kind, x.dtype, errUnsupported)
	}
	return func() error {
		for i, v := range x.f32 {
			y.f32[i] = a.Alpha*v + a.Beta
		}
		return nil
	}, nil
}

func hostCast(x, y *hostTensor) error {
	at := func(i int) float64 {
		switch x.dtype {
		case model.FP32:
			return float64(x.f32[i])
		case model.Int64:
			return float64(x.i64[i])
		}
		return float64(x.i32[i])
	}
	for i := range elems(x.dims) {
		switch y.dtype {
		case model.FP32:
			y.f32[i] = float32(at(i))
		case model.Int64:
			y.i64[i] = int64(at(i))
		case model.Int32:
			y.i32[i] = int32(at(i))
		default:
			return fmt.Errorf("cast to %v in the label tail: %w", y.dtype, errUnsupported)
		}
	}
	return nil
}
