package refrun

import (
	"math"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
)

// conv computes the products exactly and then what the documentation of
// graph.Conv and graph.Int8 says.
func (c *call) conv(op *graph.Conv) error {
	x, filter := c.in[0], c.in[1]
	w, err := op.Resolve(x.Dims, filter.Dims)
	if err != nil {
		return err
	}
	weights := quantised(filter, op.Int8, func(i int) int { return i / (len(filter.Data) / filter.Dims[0]) })
	weights.Dims = append([]int{op.Groups, filter.Dims[0] / op.Groups}, filter.Dims[1:]...)
	acc := exact(c.out[0].Dims)
	err = (&ref.Convolution{
		Src: x, Weights: weights, Dst: acc,
		Strides: w.Strides[:], Dilations: dense(w.Dilations),
		PadL: []int{w.Pads[0], w.Pads[2]}, PadR: []int{w.Pads[1], w.Pads[3]},
	}).Run()
	if err != nil {
		return err
	}
	plane := acc.Dims[2] * acc.Dims[3]
	c.finish(acc, op.Act, op.Int8, c.in[3], func(i int) int { return i / plane % acc.Dims[1] })
	return nil
}

func (c *call) deconv(op *graph.Deconv) error {
	x, filter := c.in[0], c.in[1] // filter [I, O/G, h, w]
	w, err := op.Resolve(x.Dims, filter.Dims)
	if err != nil {
		return err
	}
	in, out, window := filter.Dims[0]/op.Groups, filter.Dims[1], filter.Dims[2]*filter.Dims[3]
	weights := ref.NewTensor(ref.F32, op.Groups, out, in, filter.Dims[2], filter.Dims[3])
	for i, v := range filter.Data {
		g, k, o := i/(window*out)/in, i/(window*out)%in, i/window%out
		weights.Data[((g*out+o)*in+k)*window+i%window] = v
	}
	acc := exact(c.out[0].Dims)
	err = (&ref.Deconvolution{
		Src: x, Weights: weights, Dst: acc,
		Strides: w.Strides[:], Dilations: dense(w.Dilations),
		PadL: []int{w.Pads[0], w.Pads[2]}, PadR: []int{w.Pads[1], w.Pads[3]},
	}).Run()
	if err != nil {
		return err
	}
	plane := acc.Dims[2] * acc.Dims[3]
	c.finish(acc, op.Act, nil, nil, func(i int) int { return i / plane % acc.Dims[1] })
	return nil
}

func (c *call) fc(op *graph.FC) error {
	k, n := c.in[1].Dims[0], c.in[1].Dims[1]
	rows := len(c.in[0].Data) / k
	weights := quantised(c.in[1], op.Int8, func(i int) int { return i % n })
	acc := exact([]int{rows, n})
	err := (&ref.MatMul{Src: viewed(c.in[0], rows, k), Weights: weights, Dst: acc}).Run()
	if err != nil {
		return err
	}
	c.finish(acc, op.Act, op.Int8, nil, func(i int) int { return i % n })
	return nil
}

// finish turns exact accumulators into the first output; channel gives the
// output channel of an element.
func (c *call) finish(acc *ref.Tensor, act graph.Activation, q *graph.Int8, residual *ref.Tensor, channel func(int) int) {
	bias := c.in[2]
	for i, sum := range acc.Exact {
		ch := channel(i)
		real, out, res := sum, 1.0, 1.0
		if q != nil {
			real = sum / (float64(q.ScaleIn) * float64(scaleOf(q.ScaleWeights, ch)))
			if !q.ForceFP32 {
				out = float64(q.ScaleOut)
			}
			res = out / float64(q.ScaleInEltwise)
		}
		if bias != nil {
			real += bias.Data[ch]
		}
		y := real * out
		if residual != nil {
			y += residual.Data[i] * res
		}
		y = scaledAct(act, y, out)
		if q != nil && q.SaturateS8 {
			y = min(math.RoundToEven(y), 127)
		}
		c.store(i, y)
	}
}

// scaledAct applies an activation to the real value behind a scaled one.
func scaledAct(act graph.Activation, y, scale float64) float64 {
	if act.Kind == graph.ActReLU {
		return max(y, 0) // exactly, whatever the scale
	}
	return activate(act, y/scale) * scale
}

func scaleOf(scales []float32, channel int) float32 {
	if len(scales) == 1 {
		return scales[0]
	}
	return scales[channel]
}

// quantised rounds weights to s8 as Paddle does, in float32; without q, and
// where they are s8 already, they are only copied.
func quantised(w *ref.Tensor, q *graph.Int8, channel func(int) int) *ref.Tensor {
	out := w.Clone()
	if q == nil || w.DType == ref.S8 {
		return out
	}
	out.DType = ref.S8
	for i, x := range w.Data {
		out.Data[i] = ref.S8.Round(float64(float32(x) * scaleOf(q.ScaleWeights, channel(i))))
	}
	return out
}

// exact is a tensor that keeps unrounded results.
func exact(dims []int) *ref.Tensor {
	t := ref.NewTensor(ref.F32, dims...)
	t.Exact = make([]float64, len(t.Data))
	return t
}

// dense converts Paddle's dilations, where 1 is none, to oneDNN's.
func dense(d [2]int) []int { return []int{d[0] - 1, d[1] - 1} }

func viewed(t *ref.Tensor, dims ...int) *ref.Tensor {
	return &ref.Tensor{DType: t.DType, Dims: dims, Data: t.Data}
}

func (c *call) matmul(op *graph.MatMul) error {
	x, y := matrix(c.in[0], true, op.TransX), matrix(c.in[1], false, op.TransY)
	batch := slices.Clone(c.out[0].Dims)
	if len(c.in[1].Dims) > 1 {
		batch = batch[:len(batch)-1]
	}
	if len(c.in[0].Dims) > 1 {
		batch = batch[:len(batch)-1]
	}
	for len(x.Dims) < len(batch)+2 {
		x.Dims = append([]int{1}, x.Dims...)
	}
	for len(y.Dims) < len(batch)+2 {
		y.Dims = append([]int{1}, y.Dims...)
	}
	dst := exact(append(batch, x.Dims[len(x.Dims)-2], y.Dims[len(y.Dims)-1]))
	if err := (&ref.MatMul{Src: x, Weights: y, Dst: dst}).Run(); err != nil {
		return err
	}
	for i, v := range dst.Exact {
		c.store(i, v*float64(op.Alpha))
	}
	return nil
}

// matrix makes a vector a row or a column and transposes the last two dims.
func matrix(t *ref.Tensor, row, trans bool) *ref.Tensor {
	switch n := len(t.Dims); {
	case n == 1 && row:
		return viewed(t, 1, t.Dims[0])
	case n == 1:
		return viewed(t, t.Dims[0], 1)
	case trans:
		perm := make([]int, n)
		for i := range perm {
			perm[i] = i
		}
		perm[n-1], perm[n-2] = n-2, n-1
		return transpose(t, perm)
	}
	return viewed(t, t.Dims...)
}

func (c *call) mul() error {
	op := c.layer.Op.(*graph.Mul)
	x, y := c.in[0], c.in[1]
	rows, cols := ref.Elems(x.Dims[:op.XCols]), ref.Elems(y.Dims[op.YCols:])
	dst := viewed(c.out[0], rows, cols)
	return (&ref.MatMul{Src: viewed(x, rows, len(x.Data)/rows), Weights: viewed(y, len(y.Data)/cols, cols), Dst: dst}).Run()
}
