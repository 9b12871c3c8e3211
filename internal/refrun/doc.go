// Package refrun executes a graph.Graph in plain Go, slowly and exactly, with
// the kernels of internal/ref and the definitions that package graph documents.
// It is the yardstick for graph passes and for real executors: FP32 values are
// computed in float64 and rounded once a layer, INT8 layers are bit exact.
package refrun
