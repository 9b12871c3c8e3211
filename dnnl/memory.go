package dnnl

import (
	"unsafe"

	"github.com/octet-dnn/octet/cgo"
)

// Memory is a tensor: a descriptor and the place where the elements are. Many
// goroutines may read one; it must not be written while it is used.
type Memory struct {
	handleOf[cgo.Memory]
	desc   *Desc
	placed bool
}

// NewMemory joins a descriptor and a place. p must point to d.Size() bytes of
// C memory that outlive the Memory, or be nil: then the Memory gets its place
// from [Chain.Run]. The descriptor may be closed afterwards.
func NewMemory(e *Engine, d *Desc, p unsafe.Pointer) (*Memory, error) {
	return newMemory(e, d, p)
}

// newMemory is NewMemory for a place inside something of ours, already
// acquired, that is dropped with the memory.
func newMemory(e *Engine, d *Desc, p unsafe.Pointer, needs ...resource) (*Memory, error) {
	const op = "memory.create"
	if d == nil {
		return nil, invalid(op, "no descriptor")
	}
	if !d.own.acquire() {
		return nil, closed(op, d.String())
	}
	defer d.own.drop()
	if err := e.acquire(op); err != nil {
		return nil, err
	}
	h, st := cgo.CreateMemory(e.own.handle, d.own.handle, p)
	if st != cgo.StatusSuccess {
		e.own.drop()
		return nil, check(op, st, d.String())
	}
	m := &Memory{desc: d, placed: p != nil || d.Size() == 0}
	hold(m, &m.handleOf, own(h, cgo.Memory.Destroy, append(needs, e.own)...))
	return m, nil
}

// Desc returns the descriptor the memory was made with, which may be closed.
func (m *Memory) Desc() *Desc { return m.desc }
