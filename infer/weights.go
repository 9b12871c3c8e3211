package infer

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A weightStore holds the parameters of a predictor in oneDNN memory, each form
// once: the plans of all batch sizes and streams read the same packed weights.
// Its methods may be called from many goroutines; different weights are packed
// at the same time.
type weightStore struct {
	mu     sync.Mutex
	own    constants
	slab   slab
	cache  *packCache // nil: none
	mapped int        // bytes in use of the cache's file
	packed map[packKey]*packedForms
	values map[*graph.Value]*tensor
}

// packKey names weights before packing: a parameter, and the quantisation
// applied to it (nil: none).
type packKey struct {
	filter *graph.Value
	int8   *graph.Int8
}

// packedForms are the layouts in which primitives wanted one parameter.
type packedForms struct {
	mu   sync.Mutex
	list []*tensor
}

func newWeightStore(e *dnnl.Engine, cache *packCache) *weightStore {
	return &weightStore{own: constants{engine: e}, cache: cache, packed: map[packKey]*packedForms{}, values: map[*graph.Value]*tensor{}}
}

// bytes returns the size of all parameters in oneDNN memory.
func (w *weightStore) bytes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.own.bytes + w.slab.used
}

// mappedBytes returns how many bytes of packed weights lie in a file.
func (w *weightStore) mappedBytes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mapped
}

// constant returns a parameter as a row-major FP32 tensor.
func (w *weightStore) constant(v *graph.Value) (*tensor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t, ok := w.values[v]; ok {
		return t, nil
	}
	dt, err := dataType(v.Const.DType)
	if err != nil || dt != dnnl.F32 {
		return nil, fmt.Errorf("parameter %q is %v: want float32", v.Name, v.Const.DType)
	}
	t, b, err := w.own.dense(toInts(v.Const.Dims), dt, plain)
	if err == nil {
		err = v.Const.Read(b[:v.Const.Size()])
	}
	if err != nil {
		return nil, fmt.Errorf("parameter %q: %w", v.Name, err)
	}
	w.values[v] = t
	return t, nil
}

// pack returns filter v in layout want, packed by by if it is not there yet;
// see packer.pack.
func (w *weightStore) pack(by *packer, v *graph.Value, q *graph.Int8, mask int, src, want *dnnl.Desc) (*tensor, error) {
	forms := w.forms(packKey{v, q})
	forms.mu.Lock()
	defer forms.mu.Unlock()
	for _, t := range forms.list {
		if t.desc.Equal(want) {
			return t, nil
		}
	}
	t, err := w.packNew(by, v.Const, q, mask, src, want)
	if err != nil {
		return nil, fmt.Errorf("pack parameter %q: %w", v.Name, err)
	}
	forms.list = append(forms.list, t)
	return t, nil
}

// packNew packs into new memory, or finds the result in the cache.
func (w *weightStore) packNew(by *packer, c *model.Tensor, q *graph.Int8, mask int, src, want *dnnl.Desc) (*tensor, error) {
	if w.cache == nil {
		t, at, err := w.place(want)
		if err != nil {
			return nil, err
		}
		return t, by.pack(c, q, mask, src, want, at)
	}
	id, err := w.cache.id(c, q, mask, src, want)
	if err != nil {
		return nil, err
	}
	if b := w.cache.get(id, max(want.Size(), 1)); b != nil {
		return w.over(want, unsafe.Pointer(unsafe.SliceData(b)), &w.mapped)
	}
	t, at, err := w.place(want)
	if err == nil {
		err = by.pack(c, q, mask, src, want, at)
	}
	if err == nil {
		w.cache.put(id, unsafe.Slice((*byte)(at), alignUp(max(want.Size(), 1))))
	}
	return t, err
}

func (w *weightStore) forms(k packKey) *packedForms {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.packed[k]
	if f == nil {
		f = &packedForms{}
		w.packed[k] = f
	}
	return f
}

// place returns memory for packed weights.
func (w *weightStore) place(d *dnnl.Desc) (*tensor, unsafe.Pointer, error) {
	w.mu.Lock()
	at, err := w.slab.alloc(d.Size())
	w.mu.Unlock()
	if err != nil {
		return nil, nil, err
	}
	t, err := w.over(d, at, nil)
	return t, at, err
}

// over makes a tensor of weights that lie at a place, and adds their bytes to
// count unless that is nil.
func (w *weightStore) over(d *dnnl.Desc, at unsafe.Pointer, count *int) (*tensor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	own, err := d.Clone() // the primitive that chose it may go before the weights
	if err != nil {
		return nil, err
	}
	w.own.owned = append(w.own.owned, own)
	m, err := dnnl.NewMemory(w.own.engine, own, at)
	if err != nil {
		return nil, err
	}
	w.own.owned = append(w.own.owned, m)
	if count != nil {
		*count += own.Size()
	}
	return &tensor{desc: own, dtype: own.DataType(), mem: m, data: unsafe.Slice((*byte)(at), max(own.Size(), 1))}, nil
}

// Close frees the parameters. Plans that use them must be gone.
func (w *weightStore) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.packed, w.values, w.mapped = nil, nil, 0
	w.own.Close()
	err := w.cache.close() // which may be writing what lies in the slab
	return errors.Join(err, w.slab.Close())
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
