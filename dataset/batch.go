package dataset

import (
	"github.com/octet-dnn/octet/model"
)

// A Batch is a run of preprocessed pictures in list order. The consumer of the
// loop owns it until it calls Release.
type Batch struct {
	// Images is FP32 [n,3,Crop,Crop] (NHWC if the preset says so), or UInt8
	// [n,Crop,Crop,3] for a Raw loader.
	Images *model.Tensor
	// Labels is Int64 [n,1], or nil if the list has no labels.
	Labels *model.Tensor
	// Paths names the pictures as the list does.
	Paths []string

	loader *Loader
	floats []float32
	bytes  []byte
	labels []int64
}

// Len returns the number of pictures.
func (b *Batch) Len() int { return len(b.Paths) }

// Release gives the memory back to the loader for a later batch; the batch and
// its tensors must not be used afterwards. Without it the garbage collector
// takes the memory. Releasing twice is allowed.
func (b *Batch) Release() {
	if l := b.loader; l != nil {
		b.loader, b.Images, b.Labels = nil, nil, nil
		l.free.Put(b)
	}
}

// newBatch makes a batch of full size.
func (l *Loader) newBatch() *Batch {
	b := &Batch{Paths: make([]string, 0, l.opt.Batch)}
	n := l.opt.Batch * l.preset.Elems()
	if l.opt.Raw {
		b.bytes = make([]byte, n)
	} else {
		b.floats = make([]float32, n)
	}
	b.labels = make([]int64, 0, l.opt.Batch)
	return b
}

// reset empties a batch that was taken from the pool.
func (b *Batch) reset() {
	b.Paths, b.labels = b.Paths[:0], b.labels[:0]
}

// move copies slot from of src to slot to of b.
func (b *Batch) move(to int, src *Batch, from, elems int) {
	if b == src && to == from {
		return
	}
	if b.bytes != nil {
		copy(b.bytes[to*elems:(to+1)*elems], src.bytes[from*elems:(from+1)*elems])
		return
	}
	copy(b.floats[to*elems:(to+1)*elems], src.floats[from*elems:(from+1)*elems])
}

// deliver wraps the n pictures that b holds in tensors.
func (l *Loader) deliver(b *Batch) (err error) {
	n := len(b.Paths)
	b.loader = l
	if l.opt.Raw {
		c := int64(l.preset.Crop)
		b.Images = &model.Tensor{DType: model.UInt8, Dims: []int64{int64(n), c, c, 3}, Data: b.bytes[:n*l.preset.Elems()]}
	} else if b.Images, err = model.Float32Tensor(b.floats[:n*l.preset.Elems()], l.preset.Shape(n)...); err != nil {
		return err
	}
	if l.list.Labelled {
		b.Labels, err = model.Int64Tensor(b.labels, int64(n), 1)
	}
	return err
}
