package infer

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

// A weightStore holds the parameters of a predictor in oneDNN memory, each form
// once: the plans of all batch sizes and streams read the same packed weights.
// Its methods may be called from one goroutine at a time.
type weightStore struct {
	constants
	mu     sync.Mutex
	packed map[packKey][]*tensor
	values map[*graph.Value]*tensor
}

// packKey names weights before packing: a parameter, and the quantisation
// applied to it (nil: none).
type packKey struct {
	filter *graph.Value
	int8   *graph.Int8
}

func newWeightStore(e *dnnl.Engine) *weightStore {
	return &weightStore{constants: constants{engine: e}, packed: map[packKey][]*tensor{}, values: map[*graph.Value]*tensor{}}
}

// constant returns a parameter as a row-major FP32 tensor.
func (w *weightStore) constant(v *graph.Value) (*tensor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t, ok := w.values[v]; ok {
		return t, nil
	}
	x := v.Const.Float32s()
	if x == nil {
		return nil, fmt.Errorf("parameter %q is %v: want float32", v.Name, v.Const.DType)
	}
	dims := toInts(v.Const.Dims)
	t, b, err := w.dense(dims, dnnl.F32, plain)
	if err != nil {
		return nil, fmt.Errorf("parameter %q: %w", v.Name, err)
	}
	copy(floatsOf(b), x)
	w.values[v] = t
	return t, nil
}

// pack returns filter v in the layout a primitive chose. src describes the
// parameter as it lies in the file; with q it is quantised on the way, the
// scale index of an element being its index along outAxis of v's dims.
func (w *weightStore) pack(v *graph.Value, q *graph.Int8, outAxis int, src, want *dnnl.Desc) (*tensor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := packKey{v, q}
	for _, t := range w.packed[key] {
		if t.desc.Equal(want) {
			return t, nil
		}
	}
	var raw []byte
	if q == nil {
		raw = v.Const.Data
		if v.Const.Float32s() == nil {
			return nil, fmt.Errorf("parameter %q is %v: want float32", v.Name, v.Const.DType)
		}
	} else {
		s8, err := graph.QuantizeWeights(v.Const, q.ScaleWeights, outAxis)
		if err != nil {
			return nil, fmt.Errorf("parameter %q: %w", v.Name, err)
		}
		raw = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s8))), len(s8))
	}
	t, err := w.packRaw(raw, src, want)
	if err != nil {
		return nil, fmt.Errorf("pack parameter %q: %w", v.Name, err)
	}
	w.packed[key] = append(w.packed[key], t)
	return t, nil
}

func (w *weightStore) packRaw(raw []byte, src, want *dnnl.Desc) (*tensor, error) {
	if src.Size() != len(raw) {
		return nil, fmt.Errorf("%d bytes for %v: want %d", len(raw), src, src.Size())
	}
	own, err := want.Clone() // the primitive that chose it may go before the weights
	if err != nil {
		return nil, err
	}
	w.owned = append(w.owned, own)
	t, _, err := w.allocate(own, nil)
	if err != nil {
		return nil, err
	}
	p, err := dnnl.Reorder{Src: src, Dst: want}.New(w.engine)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	from, err := dnnl.NewMemory(w.engine, src, nil)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	steps := []dnnl.Step{{Primitive: p, Args: []dnnl.ArgMem{{Arg: dnnl.ArgSrc, Mem: from}, {Arg: dnnl.ArgDst, Mem: t.mem}}}}
	if d := p.Desc(dnnl.ArgScratchpad); d != nil && d.Size() > 0 {
		scratch, err := dnnl.NewBuffer(d.Size())
		if err != nil {
			return nil, err
		}
		defer scratch.Close()
		m, err := dnnl.NewMemory(w.engine, d, scratch.At(0))
		if err != nil {
			return nil, err
		}
		defer m.Close()
		steps[0].Args = append(steps[0].Args, dnnl.ArgMem{Arg: dnnl.ArgScratchpad, Mem: m})
	}
	chain, err := dnnl.NewChain(steps, dnnl.InOrder(from))
	if err != nil {
		return nil, err
	}
	defer chain.Close()
	s, err := dnnl.NewStream(w.engine)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return t, chain.Run(s, []unsafe.Pointer{unsafe.Pointer(unsafe.SliceData(raw))})
}

// Close frees the parameters. Plans that use them must be gone.
func (w *weightStore) Close() error {
	w.packed, w.values = nil, nil
	return w.constants.Close()
}

func floatsOf(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

func toInts(dims []int64) []int {
	out := make([]int, len(dims))
	for i, d := range dims {
		out[i] = int(d)
	}
	return out
}
