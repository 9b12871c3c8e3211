package cgo

// #include "shim.h"
//
// #cgo noescape octet_primitive_execute
// #cgo nocallback octet_primitive_execute
// #cgo noescape octet_args_mismatch
// #cgo nocallback octet_args_mismatch
import "C"

import (
	"runtime"
	"strings"
	"unsafe"
)

func (p Primitive) c() *C.octet_primitive { return (*C.octet_primitive)(p.p) }

// CreatePrimitive makes the primitive a spec describes, with its scratchpad
// left to the user. Everything in the spec is copied.
func CreatePrimitive(e Engine, s *Spec) (Primitive, Status) {
	var pin runtime.Pinner
	defer pin.Unpin()
	spec := s.c(&pin)
	var h *C.octet_primitive
	st := C.octet_primitive_create(e.c(), &spec, &h)
	return Primitive{unsafe.Pointer(h)}, Status(st)
}

// Impls names the implementations that could take a spec: Octet's own kernels,
// then oneDNN's in its order.
func Impls(e Engine, s *Spec) ([]string, Status) {
	var pin runtime.Pinner
	defer pin.Unpin()
	spec := s.c(&pin)
	var names [4096]C.char // some ten names of 30 characters
	if st := Status(C.octet_primitive_impls(e.c(), &spec, &names[0], C.size_t(len(names)))); st != StatusSuccess {
		return nil, st
	}
	return strings.Fields(C.GoString(&names[0])), StatusSuccess
}

// Desc returns a copy of the descriptor the primitive wants for an argument,
// the empty one (no dimensions, size 0) if it does not use the argument.
func (p Primitive) Desc(arg int32) (Desc, Status) {
	var h C.dnnl_memory_desc_t
	st := C.octet_primitive_arg_desc(p.c(), C.int(arg), &h)
	return Desc{unsafe.Pointer(h)}, Status(st)
}

// ArgSize returns the bytes the primitive wants for an argument, 0 if it does
// not use the argument.
func (p Primitive) ArgSize(arg int32) int {
	return int(C.octet_primitive_arg_size(p.c(), C.int(arg)))
}

// Impl names the implementation that oneDNN chose, or the kernel of Octet's.
func (p Primitive) Impl() string {
	if s := C.octet_primitive_impl(p.c()); s != nil {
		return C.GoString(s)
	}
	return ""
}

// inlineArgs is how many arguments an execution may have before they need an
// array from the heap.
const inlineArgs = 24

// Execute submits the primitive to the stream. It does not wait, but for a
// kernel of Octet's own.
func (p Primitive) Execute(s Stream, args []ExecArg) Status {
	var store [inlineArgs]C.dnnl_exec_arg_t
	list := appendArgs(store[:0], args)
	if len(list) == 0 {
		return StatusInvalidArguments
	}
	return Status(C.octet_primitive_execute(p.c(), s.c(), C.int(len(list)), &list[0]))
}

// Mismatch returns the index of the first argument whose memory is laid out
// differently from what the primitive was made for, or -1.
func (p Primitive) Mismatch(args []ExecArg) int {
	var store [inlineArgs]C.dnnl_exec_arg_t
	list := appendArgs(store[:0], args)
	if len(list) == 0 {
		return -1
	}
	return int(C.octet_args_mismatch(p.c(), C.int(len(list)), &list[0]))
}

func appendArgs(list []C.dnnl_exec_arg_t, args []ExecArg) []C.dnnl_exec_arg_t {
	for _, a := range args {
		list = append(list, C.dnnl_exec_arg_t{arg: C.int(a.Arg), memory: a.Memory.c()})
	}
	return list
}

// Destroy frees the primitive.
func (p Primitive) Destroy() { C.octet_primitive_destroy(p.c()) }
