// Package infer runs graphs on oneDNN.
//
// [NewPredictor] compiles a Paddle model into plans: arrays of oneDNN
// primitives with their weights packed once, and one arena a stream whose
// places are shared by tensors that never live at the same time. A run is one
// cgo call. The same predictor serves FP32 and INT8 models: what is quantised
// is written in the model.
//
// # Threads
//
// OpenMP keeps one team of threads for every OS thread that calls it, and two
// such teams on one machine throttle each other. So a predictor owns Streams
// one-thread streams, which run micro-batches of whatever waits: the caller of
// a request runs one in its own goroutine if it finds one free, and goroutines
// of the predictor run those that callers leave. The images of a micro-batch
// may be those of several requests. And the process owns a single thread for
// many-thread plans, used when a request of one image or so finds all streams
// of the process idle. [Mode] limits a predictor to either. Where a busy
// neighbour starves the many-thread plan, which shows in one run, such requests
// go to a stream until the CPUs have had room again.
//
// # Memory
//
// Packed weights exist once a predictor. Every stream has an arena a
// micro-batch size. Go memory given to Run is pinned while oneDNN reads it and
// never kept. Close frees everything.
package infer
