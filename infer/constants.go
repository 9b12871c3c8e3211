package infer

import (
	"slices"

	"github.com/octet-dnn/octet/dnnl"
)

// constants are tensors in oneDNN memory that steps read and nothing changes.
// What follows from the shapes of a plan is the plan's own and goes with it;
// parameters are in the weightStore.
type constants struct {
	engine *dnnl.Engine
	owned  []interface{ Close() error }
	bytes  int
}

// allocate returns constant memory of that descriptor, and its bytes. The
// list owns both; the descriptor must outlive it.
func (c *constants) allocate(d *dnnl.Desc, dims []int) (*tensor, []byte, error) {
	buf, err := dnnl.NewBuffer(max(d.Size(), 1))
	if err != nil {
		return nil, nil, err
	}
	c.owned = append(c.owned, buf)
	m, err := dnnl.NewMemory(c.engine, d, buf.At(0))
	if err != nil {
		return nil, nil, err
	}
	c.owned = append(c.owned, m)
	c.bytes += buf.Size()
	return &tensor{desc: d, dims: dims, dtype: d.DataType(), mem: m, data: buf.Bytes()}, buf.Bytes(), nil
}

func (c *constants) dense(dims []int, dt dnnl.DataType, l layout) (*tensor, []byte, error) {
	if len(dims) != 4 {
		l = plain
	}
	d, err := newDesc(dims, dt, l)
	if err != nil {
		return nil, nil, err
	}
	c.owned = append(c.owned, d)
	t, b, err := c.allocate(d, dims)
	if err != nil {
		return nil, nil, err
	}
	t.layout = l
	return t, b, nil
}

// floats returns a vector of FP32 constants.
func (c *constants) floats(x []float32) (*tensor, error) {
	t, b, err := c.dense([]int{len(x)}, dnnl.F32, plain)
	if err == nil {
		copy(floatsOf(b), x)
	}
	return t, err
}

// filled returns an FP32 constant of one value.
func (c *constants) filled(dims []int, l layout, value float32) (*tensor, error) {
	x := make([]float32, elems(dims))
	for i := range x {
		x[i] = value
	}
	return c.array(dims, l, x)
}

// array returns an FP32 constant whose elements are given in memory order.
func (c *constants) array(dims []int, l layout, x []float32) (*tensor, error) {
	t, b, err := c.dense(dims, dnnl.F32, l)
	if err == nil {
		copy(floatsOf(b), x)
	}
	return t, err
}

// raw returns a row-major constant of the elements given.
func (c *constants) raw(dims []int, dt dnnl.DataType, data []byte) (*tensor, error) {
	t, b, err := c.dense(dims, dt, plain)
	if err == nil {
		copy(b, data)
	}
	return t, err
}

// Close frees the constants. Steps that use them must be gone.
func (c *constants) Close() error {
	for _, o := range slices.Backward(c.owned) {
		o.Close()
	}
	c.owned, c.bytes = nil, 0
	return nil
}
