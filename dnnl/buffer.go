package dnnl

import (
	"fmt"
	"unsafe"

	"github.com/octet-dnn/octet/cgo"
)

// Buffer is zeroed C memory, aligned to 64 bytes, or to a huge page of 2 MiB
// from there up (and then offered to the kernel as huge pages, and not resident
// before it is touched).
//
// A slice or pointer from [Buffer.Bytes], [View] or [Buffer.At] does not keep
// the Buffer alive: it must stay reachable, or be closed, after their last
// use. A Memory from [Buffer.Memory] does keep it alive.
type Buffer struct {
	handleOf[unsafe.Pointer]
	size int
}

// NewBuffer allocates size bytes. Zero is allowed: such a buffer has an
// address, for a scratchpad that turns out to be empty.
func NewBuffer(size int) (*Buffer, error) {
	const op = "buffer.create"
	if size < 0 {
		return nil, invalid(op, "%d bytes", size)
	}
	p, st := cgo.AllocBuffer(size)
	if st != cgo.StatusSuccess {
		return nil, check(op, st, fmt.Sprintf("%d bytes", size))
	}
	b := &Buffer{size: size}
	hold(b, &b.handleOf, own(p, func(p unsafe.Pointer) { cgo.FreeBuffer(p, size) }))
	return b, nil
}

// Size returns the bytes of the buffer.
func (b *Buffer) Size() int { return b.size }

// Bytes returns the memory itself, nil once the buffer is closed.
func (b *Buffer) Bytes() []byte {
	if b.own.closed.Load() {
		return nil
	}
	return unsafe.Slice((*byte)(b.own.handle), b.size)
}

// At returns the address of the byte at off, nil if that is outside the buffer
// or the buffer is closed. The end itself is still inside, for memories of
// size zero.
func (b *Buffer) At(off int) unsafe.Pointer {
	if off < 0 || off > b.size || b.own.closed.Load() {
		return nil
	}
	return unsafe.Add(b.own.handle, off)
}

// Memory places a descriptor at byte off of the buffer. The buffer is kept
// until the memory is closed too. It fails if the tensor does not fit.
func (b *Buffer) Memory(e *Engine, d *Desc, off int) (*Memory, error) {
	const op = "buffer.memory"
	if d == nil {
		return nil, invalid(op, "no descriptor")
	}
	if off < 0 || off > b.size || d.Size() > b.size-off {
		return nil, invalid(op, "%s takes %d bytes at %d of a buffer of %d", d, d.Size(), off, b.size)
	}
	if !b.own.acquire() {
		return nil, closed(op, "buffer")
	}
	m, err := newMemory(e, d, unsafe.Add(b.own.handle, off), b.own)
	if err != nil {
		b.own.drop()
	}
	return m, err
}

// Element is a Go type that has the layout of a [DataType]; F16 and BF16
// elements are seen as uint16.
type Element interface {
	~float32 | ~int32 | ~int8 | ~uint8 | ~uint16
}

// View returns the memory of a buffer as elements, without copying; bytes at
// the end that make no whole element are left out.
func View[T Element](b *Buffer) []T {
	var zero T
	n := b.size / int(unsafe.Sizeof(zero))
	if n == 0 || b.own.closed.Load() {
		return nil
	}
	return unsafe.Slice((*T)(b.own.handle), n)
}
