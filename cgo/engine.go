package cgo

// #include "shim.h"
import "C"

import "unsafe"

// CreateEngine makes an engine on the CPU.
func CreateEngine() (Engine, Status) {
	var h C.dnnl_engine_t
	st := C.dnnl_engine_create(&h, C.dnnl_cpu, 0)
	return Engine{unsafe.Pointer(h)}, Status(st)
}

func (e Engine) c() C.dnnl_engine_t { return C.dnnl_engine_t(e.p) }

// Destroy frees the engine.
func (e Engine) Destroy() { C.dnnl_engine_destroy(e.c()) }

// CreateStream makes an in-order stream.
func CreateStream(e Engine) (Stream, Status) {
	var h C.dnnl_stream_t
	st := C.dnnl_stream_create(&h, e.c(), C.dnnl_stream_default_flags)
	return Stream{unsafe.Pointer(h)}, Status(st)
}

func (s Stream) c() C.dnnl_stream_t { return C.dnnl_stream_t(s.p) }

// Wait returns when everything submitted to the stream is done.
func (s Stream) Wait() Status { return Status(C.dnnl_stream_wait(s.c())) }

// Destroy frees the stream, waiting for it first.
func (s Stream) Destroy() { C.dnnl_stream_destroy(s.c()) }
