package onnx

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
	"github.com/octet-dnn/octet/onnx/internal/pb"
)

// An info is the type of a tensor. A dim that is open is -1, and the first of
// them is called batch where it is the batch of the inputs.
type info struct {
	dtype model.DType
	dims  []int64
	batch bool
}

const batchName = "batch"

func (i info) proto(name string) *pb.ValueInfo {
	shape := &pb.Shape{}
	for at, d := range i.dims {
		dim := &pb.Dimension{}
		switch {
		case d >= 0:
			dim.DimValue = proto.Int64(d)
		case at == 0 && i.batch:
			dim.DimParam = proto.String(batchName)
		}
		shape.Dim = append(shape.Dim, dim)
	}
	t := &pb.TensorType{ElemType: proto.Int32(elemTypes[i.dtype]), Shape: shape}
	return &pb.ValueInfo{Name: proto.String(name), Type: &pb.Type{TensorType: t}}
}

// as is i with another element type.
func (i info) as(d model.DType) info { return info{d, i.dims, i.batch} }

// plain is an info without a batch.
func plain(d model.DType, dims ...int64) info { return info{d, dims, false} }

// probe infers the network at two sizes of what the inputs leave open. Where
// another size does not fit the network, its inputs are not open after all.
func (e *exporter) probe() error {
	first, err := graph.Probe(e.g)
	if err != nil {
		return err
	}
	e.sizes = [2]*graph.Inference{first, first}
	// A batch more by one, and maps larger by what any network of strides up to
	// 64 takes; if only the batch may differ, that.
	for _, more := range []int{64, 0} {
		var inputs []graph.Shape
		for _, v := range e.g.Inputs {
			s := slices.Clone(first.Shapes[v])
			for i, d := range v.Dims {
				switch {
				case d >= 0:
				case i == 0:
					s[i]++
				default:
					s[i] += more
				}
			}
			inputs = append(inputs, s)
		}
		if other, err := graph.Infer(e.g, inputs); err == nil {
			e.sizes[1] = other
			return nil
		}
	}
	e.fixed = true
	return nil
}

// shapes returns the dims of v at both sizes.
func (e *exporter) shapes(v *graph.Value) (a, b graph.Shape) {
	if c := e.consts[v]; c != nil {
		s := make(graph.Shape, len(c.Dims))
		for i, d := range c.Dims {
			s[i] = int(d)
		}
		return s, s
	}
	return e.sizes[0].Shapes[v], e.sizes[1].Shapes[v]
}

func (e *exporter) rank(v *graph.Value) int {
	s, _ := e.shapes(v)
	return len(s)
}

func (e *exporter) infoOf(v *graph.Value) info {
	a, b := e.shapes(v)
	i := info{dtype: v.DType, dims: make([]int64, len(a))}
	for d := range a {
		i.dims[d] = int64(a[d])
		if a[d] != b[d] {
			i.dims[d] = -1
		}
	}
	i.batch = len(a) > 0 && e.isBatch(a[0], b[0])
	return i
}

// isBatch reports whether a dim is the open first dim of the inputs.
func (e *exporter) isBatch(a, b int) bool {
	for _, v := range e.g.Inputs {
		x, y := e.shapes(v)
		if len(x) > 0 && x[0] != y[0] && x[0] == a && y[0] == b {
			return true
		}
	}
	return false
}

// flat is the matrix that i gives when it is flattened at axis.
func (i info) flat(axis int) info {
	return info{i.dtype, []int64{product(i.dims[:axis]), product(i.dims[axis:])}, i.batch && axis == 1}
}

// product multiplies dims; an open one makes it open.
func product(dims []int64) int64 {
	n := int64(1)
	for _, d := range dims {
		if d < 0 {
			return -1
		}
		n *= d
	}
	return n
}

// closed returns the dims of v, which must not be open from dim from on.
func (e *exporter) closed(v *graph.Value, from int) (graph.Shape, error) {
	a, b := e.shapes(v)
	if !slices.Equal(a[min(from, len(a)):], b[min(from, len(b)):]) {
		return nil, refuse("the size of %q must be known", v.Name)
	}
	return a, nil
}

// known takes over a layer whose results are the same at both sizes and follow
// from the shapes: they become constants.
func (e *exporter) known(l *graph.Layer) bool {
	var found []*model.Tensor
	for _, v := range l.Out {
		a, okA := e.sizes[0].Contents[v]
		b, okB := e.sizes[1].Contents[v]
		s, t := e.shapes(v)
		if !okA || !okB || !slices.Equal(a, b) || !slices.Equal(s, t) {
			return false
		}
		c, ok := tensorOf(v.DType, a, int64s(s))
		if !ok {
			return false
		}
		found = append(found, c)
	}
	for i, v := range l.Out {
		e.consts[v] = found[i]
	}
	return true
}
