// Package dnnl is oneDNN v3 in Go: tensors, primitives and post-ops on a CPU,
// in F32, F16, BF16, S32, S8 and U8, forward for inference.
//
// # How it goes
//
// An [Engine] stands for the CPU and a [Stream] for a queue of work on it. A
// [Desc] describes a tensor, a [Memory] is one in a [Buffer]. A spec such as
// [Convolution] names the descriptors and parameters of an operation, and its
// New method compiles it into a [Primitive]. Descriptors with the layout [Any]
// let oneDNN choose; [Primitive.Desc] tells what it chose, and a [Reorder]
// brings tensors there. A primitive is executed alone with [Primitive.Execute],
// or with many others in a [Chain], with one call into C.
//
// The names are oneDNN's, so its guide is the reference for what a primitive
// computes and which types and layouts it supports. What it does not support is
// an error that matches [ErrUnimplemented], when the primitive is made.
//
// # Memory and ownership
//
// Every object has a Close, which may be called twice and at any time: what is
// in use is freed when the last user is done. Objects that are not closed are
// freed some time after the collector finds them. [Live] counts what is left.
// Tensors live in C memory, that of a [Buffer] for example; only the bound
// memories of a [Chain] may point into Go's.
//
// The scratchpad is always the user's: where Desc([ArgScratchpad]) of a
// primitive has a size, a memory of that descriptor must be given at execution.
// Two executions at the same time must not share one.
//
// # Threads
//
// Objects may be used from many goroutines, except that a Stream, and a Chain
// that runs, belong to one at a time. oneDNN mostly runs its own threads by
// OpenMP, one team for every OS thread that calls it: see [SetNumThreads].
package dnnl
