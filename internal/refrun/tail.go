package refrun

import (
	"math"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
)

// tail computes the layers that compare with labels; it reports whether the
// layer is one.
func (c *call) tail() bool {
	switch op := c.layer.Op.(type) {
	case *graph.CrossEntropy:
		c.crossEntropy(c.in[0], c.out[0], op.IgnoreIndex)
	case *graph.SoftmaxCrossEntropy:
		if err := c.softmax(op.Axis, c.out[0]); err != nil {
			return false
		}
		c.crossEntropy(c.out[0], c.out[1], op.IgnoreIndex)
	case *graph.TopK:
		c.topK(op)
	case *graph.ArgMax:
		c.argMax(op)
	case *graph.Accuracy:
		c.accuracy()
	default:
		return false
	}
	return true
}

// logOfZero is what Paddle clamps ln(0) to.
const logOfZero = -1e20

func (c *call) crossEntropy(p, loss *ref.Tensor, ignore int64) {
	classes := p.Dims[1]
	for row, label := range c.in[1].Data {
		if int64(label) == ignore {
			continue
		}
		ln := math.Log(p.Data[row*classes+int(label)])
		loss.Data[row] = ref.F32.Round(-max(ln, logOfZero))
	}
}

// lanes calls f with the offsets of the elements of each line along an axis.
func lanes(dims []int, axis int, f func(line []int, lane int)) {
	axis = (axis + len(dims)) % len(dims)
	inner := ref.Elems(dims[axis+1:])
	lane := 0
	for outer := range ref.Elems(dims[:axis]) {
		for i := range inner {
			line := make([]int, dims[axis])
			for k := range line {
				line[k] = (outer*dims[axis]+k)*inner + i
			}
			f(line, lane)
			lane++
		}
	}
}

func (c *call) topK(op *graph.TopK) {
	x := c.in[0]
	var places [][]int
	lanes(c.out[0].Dims, op.Axis, func(line []int, _ int) { places = append(places, line) })
	lanes(x.Dims, op.Axis, func(line []int, lane int) {
		order := make([]int, len(line))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			less := x.Data[line[a]] > x.Data[line[b]]
			more := x.Data[line[a]] < x.Data[line[b]]
			if op.Smallest {
				less, more = more, less
			}
			switch {
			case less:
				return -1
			case more:
				return 1
			}
			return 0
		})
		for k, place := range places[lane] {
			c.out[0].Data[place] = x.Data[line[order[k]]]
			c.out[1].Data[place] = float64(order[k])
		}
	})
}

func (c *call) argMax(op *graph.ArgMax) {
	x := c.in[0]
	lanes(x.Dims, op.Axis, func(line []int, lane int) {
		best := 0
		for k := range line {
			if x.Data[line[k]] > x.Data[line[best]] {
				best = k
			}
		}
		c.out[0].Data[lane] = float64(best)
	})
}

func (c *call) accuracy() {
	indices, labels := c.in[1], c.in[2]
	k := indices.Dims[1]
	hits := 0
	for row, label := range labels.Data {
		if slices.Contains(indices.Data[row*k:(row+1)*k], label) {
			hits++
		}
	}
	c.store(0, float64(hits)/float64(len(labels.Data)))
	c.out[1].Data[0] = float64(hits)
	c.out[2].Data[0] = float64(len(labels.Data))
}
