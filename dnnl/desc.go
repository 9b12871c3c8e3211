package dnnl

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/octet-dnn/octet/cgo"
)

// Desc describes a tensor in memory: dimensions, data type and layout. It
// never changes and may be used from many goroutines. Everything it says about
// itself it still says after Close; only to make other objects from it, or to
// compare it, it must be open.
type Desc struct {
	handleOf[cgo.Desc]
	info cgo.DescInfo
}

// NewDesc describes a tensor laid out as tag says. With [Any] the layout stays
// open, for a primitive to choose.
func NewDesc(dims []int, dt DataType, tag Tag) (*Desc, error) {
	const op = "desc.create"
	if err := checkDims(op, dims, dt); err != nil {
		return nil, err
	}
	h, st := cgo.CreateDesc(dims, int32(dt), int32(tag))
	return newDesc(op, h, st, func() string { return fmt.Sprintf("%v %s %v", dt, shape(dims), tag) })
}

// NewStridedDesc describes a tensor by the strides of its dimensions, in
// elements.
func NewStridedDesc(dims, strides []int, dt DataType) (*Desc, error) {
	const op = "desc.create"
	if err := checkDims(op, dims, dt); err != nil {
		return nil, err
	}
	if err := checkStrides(op, dims, strides, dt); err != nil {
		return nil, err
	}
	h, st := cgo.CreateStridedDesc(dims, strides, int32(dt))
	return newDesc(op, h, st, func() string { return fmt.Sprintf("%v %s strides %v", dt, shape(dims), strides) })
}

// newDesc wraps a fresh handle; what says what was asked for, in an error.
func newDesc(op string, h cgo.Desc, st cgo.Status, what func() string) (*Desc, error) {
	if st != cgo.StatusSuccess {
		return nil, check(op, st, what())
	}
	info, st := h.Describe()
	if st != cgo.StatusSuccess {
		h.Destroy()
		return nil, check(op, st, what())
	}
	d := &Desc{info: info}
	hold(d, &d.handleOf, own(h, cgo.Desc.Destroy))
	return d, nil
}

// derive makes a descriptor out of d's handle.
func (d *Desc) derive(op string, make func(cgo.Desc) (cgo.Desc, cgo.Status), what func() string) (*Desc, error) {
	if !d.own.acquire() {
		return nil, closed(op, d.String())
	}
	defer d.own.drop()
	h, st := make(d.own.handle)
	return newDesc(op, h, st, func() string { return d.String() + " " + what() })
}

// Submemory describes the box of the given dimensions at offsets inside d. A
// Memory with this descriptor starts at the same place as one with d.
func (d *Desc) Submemory(dims, offsets []int) (*Desc, error) {
	const op = "desc.submemory"
	n := len(d.info.Dims)
	if len(dims) != n || len(offsets) != n {
		return nil, invalid(op, "%d dimensions and %d offsets for %s", len(dims), len(offsets), d)
	}
	for i := range dims {
		if dims[i] < 0 || offsets[i] < 0 || offsets[i] > d.info.Dims[i]-dims[i] {
			return nil, invalid(op, "dimension %d: %d elements at %d reach outside %s", i, dims[i], offsets[i], d)
		}
	}
	return d.derive(op, func(h cgo.Desc) (cgo.Desc, cgo.Status) { return h.Submemory(dims, offsets) },
		func() string { return fmt.Sprintf("box %s at %v", shape(dims), offsets) })
}

// Reshape describes the same memory with other dimensions, as many elements in
// the same order. It fails with [ErrInvalidArguments] where the layout does
// not allow that without moving elements.
func (d *Desc) Reshape(dims []int) (*Desc, error) {
	const op = "desc.reshape"
	if err := checkDims(op, dims, d.DataType()); err != nil {
		return nil, err
	}
	return d.derive(op, func(h cgo.Desc) (cgo.Desc, cgo.Status) { return h.Reshape(dims) },
		func() string { return "to " + shape(dims) })
}

// Permute describes the same memory with the dimensions in another order:
// dimension i of d becomes dimension axes[i] of the result.
func (d *Desc) Permute(axes []int) (*Desc, error) {
	const op = "desc.permute"
	sorted := slices.Sorted(slices.Values(axes))
	for i, a := range sorted {
		if a != i {
			return nil, invalid(op, "%v is not an order of the dimensions of %s", axes, d)
		}
	}
	if len(axes) != len(d.info.Dims) {
		return nil, invalid(op, "%d axes for %s", len(axes), d)
	}
	return d.derive(op, func(h cgo.Desc) (cgo.Desc, cgo.Status) { return h.Permute(axes) },
		func() string { return fmt.Sprintf("by %v", axes) })
}

// Clone returns a descriptor equal to d with a life of its own, for keeping
// one that a primitive owns.
func (d *Desc) Clone() (*Desc, error) {
	return d.derive("desc.clone", cgo.Desc.Clone, func() string { return "" })
}

// Dims returns the dimensions, a copy.
func (d *Desc) Dims() []int { return slices.Clone(d.info.Dims) }

// Strides returns the distance of neighbours along each dimension, in
// elements; nil where strides do not tell the place of an element, because
// there are inner blocks or the layout is still open.
func (d *Desc) Strides() []int {
	if len(d.info.Blocks) > 0 {
		return nil
	}
	return slices.Clone(d.info.Strides)
}

// DataType returns the type of the elements, 0 for the empty descriptor.
func (d *Desc) DataType() DataType { return DataType(d.info.DataType) }

// Size returns the bytes that a memory of this layout spans, padding and what
// oneDNN hides behind packed weights included; 0 while the layout is open.
func (d *Desc) Size() int { return d.info.Size }

// Equal reports whether both describe the same tensor in the same layout. It
// is false if one of them is closed.
func (d *Desc) Equal(other *Desc) bool {
	if d == nil || other == nil {
		return d == other
	}
	if !d.own.acquire() {
		return false
	}
	defer d.own.drop()
	if !other.own.acquire() {
		return false
	}
	defer other.own.drop()
	return d.own.handle.Equal(other.own.handle)
}

// checkDims refuses dimensions that oneDNN would not, or would overflow with.
func checkDims(op string, dims []int, dt DataType) error {
	size := dt.Size()
	if size == 0 {
		return invalid(op, "unknown %v", dt)
	}
	if len(dims) == 0 || len(dims) > cgo.MaxDims {
		return invalid(op, "%d dimensions: there must be 1 to %d", len(dims), cgo.MaxDims)
	}
	if _, ok := checkedSize(dims, size); !ok {
		return invalid(op, "%v %s is negative or does not fit into memory", dt, shape(dims))
	}
	return nil
}

// checkStrides makes sure that the last element's place can be computed.
func checkStrides(op string, dims, strides []int, dt DataType) error {
	if len(strides) != len(dims) {
		return invalid(op, "%d strides for %d dimensions", len(strides), len(dims))
	}
	last := 0
	for i, s := range strides {
		reach, ok := checkedSize([]int{max(dims[i]-1, 0), s}, dt.Size())
		if !ok || last > math.MaxInt-reach {
			return invalid(op, "strides %v of %s are negative or reach too far", strides, shape(dims))
		}
		last += reach
	}
	return nil
}

// checkedSize multiplies dims and the element size; false if one of them is
// negative or the product passes an int.
func checkedSize(dims []int, elem int) (int, bool) {
	n := uint64(elem)
	for _, d := range dims {
		if d < 0 {
			return 0, false
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > math.MaxInt {
			return 0, false
		}
		n = lo
	}
	return int(n), true
}
