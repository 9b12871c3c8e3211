package cgo

// #include "shim.h"
import "C"

import "unsafe"

func (m Memory) c() C.dnnl_memory_t { return C.dnnl_memory_t(m.p) }

// CreateMemory joins a descriptor and a place. The descriptor is copied; p is
// kept, so it must point to C memory, or be nil until a chain binds it.
func CreateMemory(e Engine, d Desc, p unsafe.Pointer) (Memory, Status) {
	var h C.dnnl_memory_t
	st := C.dnnl_memory_create(&h, d.c(), e.c(), p)
	return Memory{unsafe.Pointer(h)}, Status(st)
}

// Destroy frees the memory object, not what it points to.
func (m Memory) Destroy() { C.dnnl_memory_destroy(m.c()) }

// AllocBuffer returns zeroed memory, aligned to 64 bytes, or to 2 MiB from
// 2 MiB up; nil when there is none.
func AllocBuffer(size int) (unsafe.Pointer, Status) {
	p := C.octet_buffer_alloc(C.size_t(size))
	if p == nil {
		return nil, StatusOutOfMemory
	}
	return p, StatusSuccess
}

// FreeBuffer frees what AllocBuffer returned for that size.
func FreeBuffer(p unsafe.Pointer, size int) { C.octet_buffer_free(p, C.size_t(size)) }
