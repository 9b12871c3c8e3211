package dataset

import "github.com/octet-dnn/octet/model"

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
	buf    *buffer
}

// Len returns the number of pictures.
func (b *Batch) Len() int { return len(b.Paths) }

// Release gives the memory back to the loader for a later batch; the batch and
// its tensors must not be used afterwards. Without it the garbage collector
// takes the memory. Releasing twice is allowed.
func (b *Batch) Release() {
	if b.buf != nil {
		b.loader.free.Put(b.buf)
		*b = Batch{}
	}
}

// A buffer is the memory of one batch, which outlives it: a Batch that was
// released cannot reach the next user's.
type buffer struct {
	floats []float32
	bytes  []byte
	labels []int64
	paths  []string
}

// newBuffer makes a buffer for full batches.
func (l *Loader) newBuffer() *buffer {
	b := &buffer{paths: make([]string, 0, l.opt.Batch), labels: make([]int64, 0, l.opt.Batch)}
	n := l.opt.Batch * l.preset.Elems()
	if l.opt.Raw {
		b.bytes = make([]byte, n)
	} else {
		b.floats = make([]float32, n)
	}
	return b
}

// reset empties a buffer that was taken from the pool.
func (b *buffer) reset() {
	b.paths, b.labels = b.paths[:0], b.labels[:0]
}

// move copies slot from of src to slot to of b.
func (b *buffer) move(to int, src *buffer, from, elems int) {
	if b == src && to == from {
		return
	}
	if b.bytes != nil {
		copy(b.bytes[to*elems:(to+1)*elems], src.bytes[from*elems:(from+1)*elems])
		return
	}
	copy(b.floats[to*elems:(to+1)*elems], src.floats[from*elems:(from+1)*elems])
}

// deliver wraps the n pictures that buf holds in tensors.
func (l *Loader) deliver(buf *buffer) (b *Batch, err error) {
	n := len(buf.paths)
	b = &Batch{Paths: buf.paths, loader: l, buf: buf}
	if l.opt.Raw {
		c := int64(l.preset.Crop)
		b.Images = &model.Tensor{DType: model.UInt8, Dims: []int64{int64(n), c, c, 3}, Data: buf.bytes[:n*l.preset.Elems()]}
	} else if b.Images, err = model.Float32Tensor(buf.floats[:n*l.preset.Elems()], l.preset.Shape(n)...); err != nil {
		return nil, err
	}
	if l.list.Labelled {
		b.Labels, err = model.Int64Tensor(buf.labels, int64(n), 1)
	}
	return b, err
}
