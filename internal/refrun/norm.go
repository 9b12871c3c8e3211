package refrun

import (
	"math"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
)

// normalise computes normalisations and means; it reports whether the layer is one.
func (c *call) normalise() bool {
	switch op := c.layer.Op.(type) {
	case *graph.BatchNorm:
		c.batchNorm(op)
	case *graph.LayerNorm:
		c.layerNorm(op)
	case *graph.LRN:
		c.lrn(op)
	case *graph.Reduce:
		c.mean(op)
	default:
		return false
	}
	return true
}

func (c *call) batchNorm(op *graph.BatchNorm) {
	x, scale, bias, mean, variance := c.in[0], c.in[1], c.in[2], c.in[3], c.in[4]
	inner := ref.Elems(x.Dims[2:])
	for i, v := range x.Data {
		ch := i / inner % x.Dims[1]
		y := (v-mean.Data[ch])/math.Sqrt(variance.Data[ch]+float64(op.Epsilon))*scale.Data[ch] + bias.Data[ch]
		c.store(i, activate(op.Act, y))
	}
}

func (c *call) layerNorm(op *graph.LayerNorm) {
	x := c.in[0]
	n := ref.Elems(x.Dims[op.Begin:])
	for row := 0; row < len(x.Data); row += n {
		var mean, variance float64
		for _, v := range x.Data[row : row+n] {
			mean += v / float64(n)
		}
		for _, v := range x.Data[row : row+n] {
			variance += (v - mean) * (v - mean) / float64(n)
		}
		for i, v := range x.Data[row : row+n] {
			y := (v - mean) / math.Sqrt(variance+float64(op.Epsilon))
			if c.in[1] != nil {
				y *= c.in[1].Data[i]
			}
			if c.in[2] != nil {
				y += c.in[2].Data[i]
			}
			c.store(row+i, y)
		}
	}
}

// lrn sums the squares of Size channels around each, (Size-1)/2 of them before.
func (c *call) lrn(op *graph.LRN) {
	x := c.in[0]
	channels, plane := x.Dims[1], x.Dims[2]*x.Dims[3]
	for i, v := range x.Data {
		ch := i / plane % channels
		energy := 0.0
		for d := -(op.Size - 1) / 2; d <= op.Size/2; d++ {
			if ch+d >= 0 && ch+d < channels {
				energy += x.Data[i+d*plane] * x.Data[i+d*plane]
			}
		}
		c.store(i, v/math.Pow(float64(op.K)+float64(op.Alpha)*energy, float64(op.Beta)))
	}
}

// mean averages over the axes that the output lacks or has as 1.
func (c *call) mean(op *graph.Reduce) {
	x, out := c.in[0], c.out[0]
	kept := make([]int, len(x.Dims)) // the output with the averaged dims as 1
	copy(kept, x.Dims)
	for _, a := range op.Axes {
		kept[(a+len(x.Dims))%len(x.Dims)] = 1
	}
	if len(op.Axes) == 0 {
		for i := range kept {
			kept[i] = 1
		}
	}
	sums := make([]float64, len(out.Data))
	for i, index := range ref.Indices(x.Dims) {
		at := 0
		for d, n := range kept {
			at = at*n + index[d]%n
		}
		sums[at] += x.Data[i]
	}
	for i, s := range sums {
		c.store(i, s*float64(len(sums))/float64(len(x.Data)))
	}
}

func (c *call) softmax(axis int, dst *ref.Tensor) error {
	x := c.in[0]
	return (&ref.Softmax{Src: x, Dst: dst, Axis: (axis + len(x.Dims)) % len(x.Dims)}).Run()
}
