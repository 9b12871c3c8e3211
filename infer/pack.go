package infer

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A packer brings weights into the form that a primitive wants, with oneDNN's
// reorders on one OS thread. Its memory is used for one filter after the other,
// so that it stays in the cache. It must be closed.
type packer struct {
	engine *dnnl.Engine
	stream *dnnl.Stream
	reals  *dnnl.Buffer // weights read from a file
	ints   *dnnl.Buffer // weights quantised
}

// Close frees the packer's memory.
func (p *packer) Close() error {
	for _, b := range []*dnnl.Buffer{p.reals, p.ints} {
		if b != nil {
			b.Close()
		}
	}
	if p.stream == nil {
		return nil
	}
	return p.stream.Close()
}

// scratchLeast is what scratch takes at first: more than most weights have.
// Memory that is not touched costs nothing, memory that is, is touched once.
const scratchLeast = 16 << 20

// scratch makes *b at least n bytes large. What was in it is lost.
func scratch(b **dnnl.Buffer, n int) ([]byte, error) {
	if old := *b; old == nil || old.Size() < n {
		larger, err := dnnl.NewBuffer(max(n, scratchLeast))
		if err != nil {
			return nil, err
		}
		if *b = larger; old != nil {
			old.Close()
		}
	}
	return (*b).Bytes()[:n], nil
}

// pack writes weights w into to, in layout want. src describes them as they
// lie in the file, with the element type that want has. Those that q says are
// quantised on the way, unless they are already, with a scale for each index of
// the dims of src in mask.
func (p *packer) pack(w *model.Tensor, q *graph.Int8, mask int, src, want *dnnl.Desc, to unsafe.Pointer) error {
	if n := elems(src.Dims()) * w.DType.Size(); w.Size() != n {
		return fmt.Errorf("%d bytes for weights of %v: want %d", w.Size(), src, n)
	}
	data := w.Data
	if w.Lazy() {
		var err error
		if data, err = scratch(&p.reals, w.Size()); err != nil {
			return err
		}
		if err := w.Read(data); err != nil {
			return err
		}
	}
	switch integers := src.DataType() == dnnl.S8; {
	case w.DType == model.FP32 && integers:
		var err error
		if data, err = p.quantize(data, q.ScaleWeights, mask, src); err != nil {
			return err
		}
	case w.DType == model.FP32, w.DType == model.Int8 && integers:
	default:
		return fmt.Errorf("weights of type %v for %v: %w", w.DType, src, errUnsupported)
	}
	return p.reorder(dnnl.Reorder{Src: src, Dst: want}, unsafe.Pointer(unsafe.SliceData(data)), to)
}

// quantize rounds reals·scale half to even into -128..127, as Paddle does and
// graph.QuantizeWeights. dst describes the result; the reals lie alike. The
// bytes are p's.
func (p *packer) quantize(reals []byte, scales []float32, mask int, dst *dnnl.Desc) ([]byte, error) {
	channels := 1
	for i, d := range dst.Dims() {
		if mask&(1<<i) != 0 {
			channels *= d
		}
	}
	if len(scales) == 1 {
		mask, channels = 0, 1
	}
	if len(scales) != channels {
		return nil, fmt.Errorf("%d weight scales: want 1 or %d", len(scales), channels)
	}
	src, err := dnnl.NewStridedDesc(dst.Dims(), dst.Strides(), dnnl.F32)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	c := constants{engine: p.engine}
	defer c.Close()
	factors, err := c.floats(scales)
	if err != nil {
		return nil, err
	}
	ints, err := scratch(&p.ints, dst.Size())
	if err != nil {
		return nil, err
	}
	r := dnnl.Reorder{Src: src, Dst: dst, Attr: dnnl.Attr{Scales: []dnnl.ScaleMask{{Arg: dnnl.ArgSrc, Mask: mask}}}}
	err = p.reorder(r, unsafe.Pointer(unsafe.SliceData(reals)), unsafe.Pointer(unsafe.SliceData(ints)),
		dnnl.ArgMem{Arg: dnnl.ArgScale(dnnl.ArgSrc), Mem: factors.mem})
	return ints, err
}

// reorder runs r once. The memory may be Go's or C's.
func (p *packer) reorder(r dnnl.Reorder, from, to unsafe.Pointer, args ...dnnl.ArgMem) (err error) {
	var own []interface{ Close() error }
	defer func() {
		for _, o := range slices.Backward(own) {
			o.Close()
		}
	}()
	if p.stream == nil {
		if p.stream, err = dnnl.NewStream(p.engine); err != nil {
			return err
		}
	}
	prim, err := r.New(p.engine)
	if err != nil {
		return err
	}
	own = append(own, prim)
	memory := func(d *dnnl.Desc, at unsafe.Pointer) *dnnl.Memory {
		if err != nil {
			return nil
		}
		var m *dnnl.Memory
		if m, err = dnnl.NewMemory(p.engine, d, at); err == nil {
			own = append(own, m)
		}
		return m
	}
	src, dst := memory(r.Src, nil), memory(r.Dst, nil)
	args = append(args, dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: src}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: dst})
	if d := prim.Desc(dnnl.ArgScratchpad); d.Size() > 0 {
		var b *dnnl.Buffer
		if b, err = dnnl.NewBuffer(d.Size()); err != nil {
			return err
		}
		own = append(own, b)
		args = append(args, dnnl.ArgMem{Arg: dnnl.ArgScratchpad, Mem: memory(d, b.At(0))})
	}
	if err != nil {
		return err
	}
	chain, err := dnnl.NewChain([]dnnl.Step{{Primitive: prim, Args: args}}, dnnl.InOrder(src, dst))
	if err != nil {
		return err
	}
	own = append(own, chain)
	return chain.Run(p.stream, []unsafe.Pointer{from, to})
}
