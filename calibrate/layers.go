package calibrate

import (
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// residualInput is the index of a Conv's residual among its inputs.
const residualInput = 3

// channelAxis returns the dim of the output channels in the weights of the
// layers that have an INT8 form, and the rank of the weights: 0 for all others.
func channelAxis(op graph.Op) (axis, rank int) {
	switch op.(type) {
	case *graph.Conv:
		return 0, 4
	case *graph.FC:
		return 1, 2
	}
	return 0, 0
}

// quantisable reports whether an FP32 layer has an INT8 form: constant weights,
// and a computed input.
func quantisable(l *graph.Layer) bool {
	_, rank := channelAxis(l.Op)
	if rank == 0 || len(l.In) < 2 || len(l.Out) == 0 {
		return false
	}
	x, w, y := l.In[0], l.In[1], l.Out[0]
	if x == nil || w == nil || y == nil || x.Const != nil || w.Const == nil {
		return false
	}
	return x.DType == model.FP32 && y.DType == model.FP32 && w.Const.DType == model.FP32 && len(w.Const.Dims) == rank
}

// residualOf returns the residual of a Conv, or nil.
func residualOf(l *graph.Layer) *graph.Value {
	if _, ok := l.Op.(*graph.Conv); ok && len(l.In) > residualInput {
		return l.In[residualInput]
	}
	return nil
}

// windowsVary reports whether the windows of op depend on the size of the map
// and may differ from each other: Paddle has no integer kernel for that.
func windowsVary(op graph.Op) bool {
	p, ok := op.(*graph.Pool)
	return ok && p.Adaptive && !p.Global
}

// globalAverage reports whether op averages whole maps.
func globalAverage(op graph.Op) bool {
	p, ok := op.(*graph.Pool)
	return ok && p.Global && p.Type != graph.MaxPool
}
