package dnnl

import (
	"fmt"

	"github.com/octet-dnn/octet/cgo"
)

// SetNumThreads sets how many OpenMP threads oneDNN uses when it is called from
// this OS thread, and reports false if the loaded oneDNN is not built on
// OpenMP. Lock the goroutine to its thread first (runtime.LockOSThread): the
// next call may come from another one. Set it before making primitives too,
// for they are laid out for a number of threads.
func SetNumThreads(n int) bool { return n > 0 && cgo.SetNumThreads(n) }

// ISA is a set of CPU instructions: bit n+1 contains bit n for the most part,
// see [ISA.HasVNNI].
type ISA int32

// The instruction sets, with oneDNN's values.
const (
	ISADefault        ISA = 0x0 // whatever the CPU has
	ISASSE41          ISA = 0x1
	ISAAVX            ISA = 0x3
	ISAAVX2           ISA = 0x7
	ISAAVX2VNNI       ISA = 0xf
	ISAAVX2VNNI2      ISA = 0x1f
	ISAAVX512Core     ISA = 0x27
	ISAAVX512CoreVNNI ISA = 0x67
	ISAAVX512CoreBF16 ISA = 0xe7
	ISAAVX512CoreFP16 ISA = 0x1ef
	ISAAVX512CoreAMX  ISA = 0xfef
	ISAAMXFP16        ISA = 0x1fef
)

var isaNames = map[ISA]string{
	ISADefault: "default", ISASSE41: "sse41", ISAAVX: "avx", ISAAVX2: "avx2", ISAAVX2VNNI: "avx2_vnni",
	ISAAVX2VNNI2: "avx2_vnni_2", ISAAVX512Core: "avx512_core", ISAAVX512CoreVNNI: "avx512_core_vnni",
	ISAAVX512CoreBF16: "avx512_core_bf16", ISAAVX512CoreFP16: "avx512_core_fp16",
	ISAAVX512CoreAMX: "avx512_core_amx", ISAAMXFP16: "avx512_core_amx_fp16",
}

// String returns oneDNN's name, such as "avx512_core_vnni".
func (i ISA) String() string {
	if name, ok := isaNames[i]; ok {
		return name
	}
	return fmt.Sprintf("isa %#x", int32(i))
}

// HasVNNI reports whether the set has instructions that add four products of
// 8-bit integers to 32 bits at once. Without them oneDNN adds pairs of u8*s8
// products in 16 bits, which saturates for large weights.
func (i ISA) HasVNNI() bool {
	const avx2VNNI, avx512VNNI = 0x8, 0x40 // the bits those sets add
	return i&(avx2VNNI|avx512VNNI) != 0
}

// SetMaxCPUISA caps the instructions that oneDNN uses, for the whole process.
// It must come before anything that depends on them, and only once: it fails
// with [ErrInvalidArguments] afterwards. The environment variable
// ONEDNN_MAX_CPU_ISA does the same.
func SetMaxCPUISA(isa ISA) error {
	return check("isa.set", cgo.SetMaxCPUISA(int32(isa)), isa.String())
}

// EffectiveCPUISA returns what oneDNN uses on this CPU under the cap.
func EffectiveCPUISA() ISA { return ISA(cgo.EffectiveCPUISA()) }

// Version is what the loaded oneDNN says about itself.
type Version struct {
	Major, Minor, Patch int
	Hash                string // of the commit it was built from
	Runtime             string // what runs its threads: "omp", "seq", "tbb", "threadpool"
}

// String returns "3.13.0 (omp)".
func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d (%s)", v.Major, v.Minor, v.Patch, v.Runtime)
}

// LibraryVersion asks the loaded library, which may be another version than
// the headers this was built with.
func LibraryVersion() Version { return Version(cgo.LibraryVersion()) }
