package cgo

// #include "shim.h"
import "C"

// SetNumThreads sets how many OpenMP threads the calling OS thread will use.
// It reports false if no OpenMP library is loaded.
func SetNumThreads(n int) bool { return C.octet_set_num_threads(C.int(n)) != 0 }

// CanPin reports whether the system can keep threads on CPUs.
func CanPin() bool { return C.octet_can_pin() != 0 }

// SetMaxCPUISA caps the instruction sets oneDNN may use. It must come before
// the first use of the library that depends on them.
func SetMaxCPUISA(isa int32) Status {
	return Status(C.dnnl_set_max_cpu_isa(C.dnnl_cpu_isa_t(isa)))
}

// EffectiveCPUISA returns what oneDNN will use on this CPU.
func EffectiveCPUISA() int32 { return int32(C.dnnl_get_effective_cpu_isa()) }

// LibraryVersion asks the loaded library.
func LibraryVersion() Version {
	v := C.dnnl_version()
	return Version{
		Major:   int(v.major),
		Minor:   int(v.minor),
		Patch:   int(v.patch),
		Hash:    C.GoString(v.hash),
		Runtime: runtimeName(uint32(v.cpu_runtime)),
	}
}

func runtimeName(r uint32) string {
	switch r {
	case C.DNNL_RUNTIME_SEQ:
		return "seq"
	case C.DNNL_RUNTIME_OMP:
		return "omp"
	case C.DNNL_RUNTIME_TBB:
		return "tbb"
	case C.DNNL_RUNTIME_THREADPOOL:
		return "threadpool"
	default:
		return "unknown"
	}
}

// Constants returns the values that the C header gives to the names this
// module spells out in Go, so that a test can compare them.
func Constants() map[string]int64 {
	all := make(map[string]int64)
	for i := 0; ; i++ {
		c := C.octet_constant_at(C.int(i))
		if c == nil {
			return all
		}
		all[C.GoString(c.name)] = int64(c.value)
	}
}
