package model

import (
	"errors"
	"fmt"
)

// ErrChanged is wrapped by the error of reading a parameter whose file has
// been written to since the model was loaded.
var ErrChanged = errors.New("the file has changed since the model was loaded")

// WithLazyParams leaves the data of large parameters in their files until
// somebody reads it: their tensors are lazy, see [Tensor.Lazy]. An executor
// that packs weights into a form of its own then never holds them a second
// time, and reads each into memory that is still warm.
//
// A combined file stays open as long as one of its tensors can be reached, a
// file of a single parameter is opened again when it is read. If a file has
// been written to meanwhile, reading fails with ErrChanged; replacing it by a
// rename, as Save does, leaves a combined file readable as it was.
func WithLazyParams() Option {
	return func(c *loadConfig) error {
		c.lazy = true
		return nil
	}
}

// A lazy is data that is made when it is wanted, by many goroutines perhaps.
type lazy struct {
	size int
	id   string                // see Identity
	read func(to []byte) error // to is aligned for elements of any type
}

// Lazy reports whether t has no Data, since it is read or computed each time it
// is asked for.
func (t *Tensor) Lazy() bool { return t.lazy != nil && t.Data == nil }

// Size returns how many bytes the data of t has, in memory or not.
func (t *Tensor) Size() int {
	if t.Lazy() {
		return t.lazy.size
	}
	return len(t.Data)
}

// Read writes the data of t to to, which must have t.Size() bytes.
func (t *Tensor) Read(to []byte) error {
	if len(to) != t.Size() {
		return malformed("tensor", fmt.Sprintf("memory for %d bytes", t.Size()), fmt.Sprint(len(to)))
	}
	if !t.Lazy() {
		copy(to, t.Data)
		return nil
	}
	if aligned(to) {
		return t.lazy.read(to)
	}
	_, b := alignedWords(int64(len(to)))
	err := t.lazy.read(b)
	copy(to, b)
	return err
}

// Bytes returns Data, or what it would be for a lazy tensor, in new memory.
func (t *Tensor) Bytes() ([]byte, error) {
	if !t.Lazy() {
		return t.Data, nil
	}
	_, b := alignedWords(int64(t.Size()))
	return b, t.Read(b)
}

// Derived returns a lazy tensor whose data is that of t after change, which may
// only depend on what it is given: a tensor in memory, to be changed in place.
// It is called each time the data is read, from many goroutines at once. what
// stands for change in the Identity of the result: no other change may ever
// have the same; "" leaves the result without an identity.
func (t *Tensor) Derived(what string, change func(data *Tensor)) *Tensor {
	l := &lazy{size: t.Size()}
	if from := t.Identity(); from != "" && what != "" {
		l.id = from + ", " + what
	}
	l.read = func(to []byte) error {
		if err := t.Read(to); err != nil {
			return err
		}
		change(&Tensor{DType: t.DType, Dims: t.Dims, Data: to})
		return nil
	}
	return &Tensor{DType: t.DType, Dims: t.Dims, lazy: l}
}

// WithDims returns t with other dims of as many elements, and the same data.
func (t *Tensor) WithDims(dims ...int64) *Tensor {
	return &Tensor{DType: t.DType, Dims: dims, Data: t.Data, lazy: t.lazy}
}
