package cgo

// #include "shim.h"
//
// #cgo noescape octet_chain_run
// #cgo nocallback octet_chain_run
import "C"

import "unsafe"

func (c Chain) c() *C.octet_chain { return (*C.octet_chain)(c.p) }

// CreateChain copies the steps into C memory. The primitives and memories must
// outlive the chain. The bound memories get their place at each Run.
func CreateChain(steps []ChainStep, bound []ChainBound) (Chain, Status) {
	// One element more than needed, so that there is always a first one.
	prims := make([]*C.octet_primitive, 0, len(steps)+1)
	lanes := make([]C.octet_lane, 0, len(steps)+1)
	counts := make([]C.int, 0, len(steps)+1)
	var args []C.dnnl_exec_arg_t
	for _, s := range steps {
		prims = append(prims, s.Primitive.c())
		on := C.octet_lane{lane: C.int32_t(s.Lane)}
		if s.Fence {
			on.fence = 1
		}
		lanes = append(lanes, on)
		counts = append(counts, C.int(len(s.Args)))
		args = appendArgs(args, s.Args)
	}
	args = append(args, C.dnnl_exec_arg_t{})
	places := make([]C.octet_bound, 0, len(bound)+1)
	for _, b := range bound {
		places = append(places, C.octet_bound{memory: b.Memory.c(), offset: C.uint64_t(b.Offset), pointer: C.int32_t(b.Pointer)})
	}
	h := C.octet_chain_create(C.int(len(steps)), unsafe.SliceData(prims), unsafe.SliceData(lanes),
		unsafe.SliceData(counts), &args[0], C.int(len(bound)), unsafe.SliceData(places))
	if h == nil {
		return Chain{}, StatusOutOfMemory
	}
	return Chain{unsafe.Pointer(h)}, StatusSuccess
}

// Run points the bound memories at their places, executes all steps and waits.
// There must be a ptr for each number that a bound memory names, and those into
// Go memory must be pinned. With ns, which then holds one entry a step, it writes the
// nanoseconds of every step. With runs other than 0 it executes all steps so
// many times, and writes into ns, which then holds one entry a run, the
// nanoseconds of each. Threads other than 0 is the number of OpenMP threads for
// the call. With cpus, the calling OS thread runs on these only until the call
// is over, and threads must be 1. The second result is the step that failed, -1
// if it was binding or waiting, or StepPinning.
//
// The pointers go to C as numbers. As pointers they would have cgo look through
// the whole Go object that each one points into, and refuse a tensor that lives
// in a struct beside a pointer, although C never reads more than the tensor.
func (c Chain) Run(s Stream, threads int, cpus *CPUSet, ptrs []unsafe.Pointer, ns []int64, runs int) (Status, int) {
	r := C.octet_chain_run(c.c(), s.c(), C.int(threads), cpus.c(), addresses(ptrs), times(ns), C.int(runs))
	return Status(r.status), int(r.step)
}

func (s *CPUSet) c() *C.octet_cpus { return (*C.octet_cpus)(unsafe.Pointer(s)) }

func addresses(ptrs []unsafe.Pointer) *C.uintptr_t {
	return (*C.uintptr_t)(unsafe.Pointer(unsafe.SliceData(ptrs)))
}

func times(ns []int64) *C.int64_t {
	if len(ns) == 0 {
		return nil
	}
	return (*C.int64_t)(&ns[0])
}

// Destroy frees the chain, not what it refers to.
func (c Chain) Destroy() { C.octet_chain_destroy(c.c()) }
