package graph

import (
	"math"

	"github.com/octet-dnn/octet/model"
)

// contents computes what the outputs of l hold, nil if that needs data. op is
// l's with its operands resolved.
func contents(op Op, l *Layer, in, out []Shape, have [][]float64) [][]float64 {
	switch op := op.(type) {
	case *ShapeOf:
		dims := make([]float64, len(in[0]))
		for i, d := range in[0] {
			dims[i] = float64(d)
		}
		return [][]float64{dims}
	case *PriorBox:
		return op.boxes(in[0], in[1])
	case *DensityPriorBox:
		return op.boxes(in[0], in[1])
	case *Fill:
		return filled(op, out[0])
	}
	if !knownAll(have, l) {
		return nil
	}
	f := folding{in: in, out: out, have: have}
	switch op := op.(type) {
	case *Reshape, *Identity:
		return have[:1]
	case *Cast:
		return f.each(castTo(op.To))
	case *Act:
		return f.linear(op, l.Out[0].DType)
	case *Binary:
		return f.binary(op, l.Out[0].DType)
	case *Concat:
		return f.concat(op)
	case *Slice:
		return f.slice(op)
	case *Transpose:
		return f.transpose(op)
	case *Reduce:
		return f.reduce(op)
	}
	return nil
}

// maxFilled bounds what a Fill may take.
const maxFilled = 1 << 22

func filled(f *Fill, s Shape) [][]float64 {
	n := prod(s)
	if n > maxFilled {
		return nil
	}
	c := make([]float64, n)
	for i := range c {
		c[i] = castTo(f.To)(f.Value)
	}
	return [][]float64{c}
}

// castTo rounds a number as a conversion to dt does: towards zero for integers.
func castTo(dt model.DType) func(float64) float64 {
	switch dt {
	case model.Int32, model.Int64:
		return math.Trunc
	case model.FP32:
		return func(x float64) float64 { return float64(float32(x)) }
	}
	return func(x float64) float64 { return x }
}

// A folding computes the contents of one output from known inputs.
type folding struct {
	in, out []Shape
	have    [][]float64
}

func (f *folding) each(g func(float64) float64) [][]float64 {
	c := make([]float64, len(f.have[0]))
	for i, x := range f.have[0] {
		c[i] = g(x)
	}
	return [][]float64{c}
}

// linear is the one activation that shapes are computed with: scale.
func (f *folding) linear(a *Act, dt model.DType) [][]float64 {
	if a.Activation.Kind != ActLinear {
		return nil
	}
	round := castTo(dt)
	return f.each(func(x float64) float64 { return round(float64(a.Alpha)*x + float64(a.Beta)) })
}

func (f *folding) binary(b *Binary, dt model.DType) [][]float64 {
	x, y, err := b.Align(f.in[0], f.in[1])
	if err != nil || b.Act.Kind != ActNone {
		return nil
	}
	round := castTo(dt)
	c := make([]float64, prod(f.out[0]))
	at := broadcastIndex(f.out[0], x, y)
	for i := range c {
		p, q := at(i)
		c[i] = round(b.Type.Apply(f.have[0][p], f.have[1][q]))
	}
	return [][]float64{c}
}

// broadcastIndex returns the function from an index of out to those of x and y,
// which have out's rank.
func broadcastIndex(out, x, y Shape) func(int) (int, int) {
	sx, sy := repeatStrides(out, x), repeatStrides(out, y)
	return func(i int) (p, q int) {
		for d := len(out) - 1; d >= 0; d-- {
			k := i % out[d]
			i /= out[d]
			p, q = p+k*sx[d], q+k*sy[d]
		}
		return p, q
	}
}

// repeatStrides are the strides of x, 0 where x repeats itself in out.
func repeatStrides(out, x Shape) []int {
	st := make([]int, len(out))
	n := 1
	for d := len(out) - 1; d >= 0; d-- {
		if x[d] == out[d] {
			st[d] = n
		}
		n *= x[d]
	}
	return st
}

// Apply computes x op y. Integers divide and take remainders as Paddle's
// kernels do: Mod has the sign of y, FloorDiv rounds down.
func (k BinaryKind) Apply(x, y float64) float64 {
	switch k {
	case Add:
		return x + y
	case Sub:
		return x - y
	case MulElem:
		return x * y
	case Div:
		return x / y
	case Max:
		return max(x, y)
	case Min:
		return min(x, y)
	case Pow:
		return math.Pow(x, y)
	case Mod:
		if r := math.Mod(x, y); r != 0 && (r < 0) != (y < 0) {
			return r + y
		} else {
			return r
		}
	case FloorDiv:
		return math.Floor(x / y)
	}
	return math.NaN()
}

func (f *folding) concat(c *Concat) [][]float64 {
	axis, err := axisOf(c.Axis, len(f.out[0]))
	if err != nil {
		return nil
	}
	all := make([]float64, 0, prod(f.out[0]))
	for row := range prod(f.out[0][:axis]) {
		for i, s := range f.in {
			n := prod(s[axis:])
			all = append(all, f.have[i][row*n:][:n]...)
		}
	}
	return [][]float64{all}
}

func (f *folding) slice(s *Slice) [][]float64 {
	x := f.in[0]
	start, step, count := make([]int, len(x)), make([]int, len(x)), append([]int{}, x...)
	for d := range x {
		step[d] = 1
	}
	for i, a := range s.Axes {
		axis, err := axisOf(a, len(x))
		if err != nil {
			return nil
		}
		start[axis], count[axis] = s.Range(i, x[axis])
		step[axis] = s.Step(i)
	}
	c := make([]float64, prod(count))
	for i := range c {
		at, rest, stride := 0, i, 1
		for d := len(x) - 1; d >= 0; d-- {
			at += (start[d] + rest%count[d]*step[d]) * stride
			rest /= count[d]
			stride *= x[d]
		}
		c[i] = f.have[0][at]
	}
	return [][]float64{c}
}

func (f *folding) transpose(t *Transpose) [][]float64 {
	out, stride := f.out[0], make([]int, len(f.in[0]))
	n := 1
	for d := len(stride) - 1; d >= 0; d-- {
		stride[d] = n
		n *= f.in[0][d]
	}
	c := make([]float64, n)
	for i := range c {
		at, rest := 0, i
		for d := len(out) - 1; d >= 0; d-- {
			at += rest % out[d] * stride[t.Perm[d]]
			rest /= out[d]
		}
		c[i] = f.have[0][at]
	}
	return [][]float64{c}
}

// reduce folds a product or sum over all elements, such as that of some dims.
func (f *folding) reduce(r *Reduce) [][]float64 {
	if prod(f.out[0]) != 1 || r.Type != ReduceSum && r.Type != ReduceProd {
		return nil
	}
	acc := 0.0
	if r.Type == ReduceProd {
		acc = 1
	}
	for _, x := range f.have[0] {
		if r.Type == ReduceProd {
			acc *= x
		} else {
			acc += x
		}
	}
	return [][]float64{{acc}}
}
