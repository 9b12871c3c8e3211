package infer

import (
	"fmt"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer/internal/hostop"
	"github.com/octet-dnn/octet/model"
)

// host appends a step that runs k in Go. Its tensors are dense: inputs, then
// outputs, nil where absent.
func (lw *lowering) host(k hostop.Kernel, tensors ...*tensor) {
	if lw.err != nil {
		return
	}
	s := step{host: k, layer: lw.layer.Name, kind: lw.layer.Op.Kind()}
	for i, t := range tensors {
		if t != nil {
			s.args = append(s.args, arg{dnnl.Arg(i), t})
			lw.touch(t)
		}
	}
	lw.steps = append(lw.steps, s)
}

// inGo lowers a layer without a primitive to its kernel in Go, row-major.
func (lw *lowering) inGo(op graph.Op) {
	k, err := hostop.For(op)
	if err != nil {
		lw.fail(errUnsupported)
		return
	}
	var tensors []*tensor
	for i := range graph.DataInputs(lw.layer) {
		tensors = append(tensors, lw.ordered(lw.in(i), plain))
	}
	for i := range lw.layer.Out {
		y := lw.dst(i, plain)
		tensors = append(tensors, y)
		lw.result(i, y)
	}
	lw.host(k, tensors...)
}

// hostView describes t to kernels in Go, without memory yet.
func hostView(t *tensor) (*hostop.Tensor, error) {
	dt, ok := modelTypes[t.dtype]
	if !ok {
		return nil, fmt.Errorf("%v tensor for a kernel in Go: %w", t.dtype, errUnsupported)
	}
	return &hostop.Tensor{Dims: t.dims, DType: dt, ChannelsLast: t.layout == channelsLast}, nil
}

var modelTypes = map[dnnl.DataType]model.DType{
	dnnl.F32: model.FP32, dnnl.S8: model.Int8, dnnl.U8: model.UInt8, dnnl.S32: model.Int32,
}
