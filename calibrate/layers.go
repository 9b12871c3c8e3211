package calibrate

import (
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// residualInput is the index of a Conv's residual among its inputs.
const residualInput = 3

// weightsOf returns the constant weights of a layer that has an INT8 form, and
// the dim of its output channels. ok is false for all other layers.
func weightsOf(l *graph.Layer) (w *graph.Value, axis int, ok bool) {
	rank := 0
	switch l.Op.(type) {
	case *graph.Conv:
		axis, rank = 0, 4
	case *graph.FC:
		axis, rank = 1, 2
	default:
		return nil, 0, false
	}
	if len(l.In) < 2 || l.In[0] == nil || l.In[1] == nil || len(l.Out) == 0 || l.Out[0] == nil {
		return nil, 0, false
	}
	if x := l.In[0]; x.Const != nil || x.DType != model.FP32 || l.Out[0].DType != model.FP32 {
		return nil, 0, false
	}
	w = l.In[1]
	if w.Const == nil || w.Const.DType != model.FP32 || len(w.Const.Dims) != rank {
		return nil, 0, false
	}
	return w, axis, true
}

// residualOf returns the residual of a Conv, or nil.
func residualOf(l *graph.Layer) *graph.Value {
	if _, ok := l.Op.(*graph.Conv); ok && len(l.In) > residualInput {
		return l.In[residualInput]
	}
	return nil
}

// activation returns what a layer applies last.
func activation(op graph.Op) graph.Activation {
	switch op := op.(type) {
	case *graph.Conv:
		return op.Act
	case *graph.FC:
		return op.Act
	case *graph.Deconv:
		return op.Act
	case *graph.Binary:
		return op.Act
	case *graph.Act:
		return op.Activation
	}
	return graph.Activation{}
}

// passes reports whether a layer gives integers of the scale of its inputs when
// it reads integers: the operations for which real Paddle has integer kernels.
func passes(op graph.Op) bool {
	switch op.(type) {
	case *graph.Pool, *graph.Concat, *graph.Reshape, *graph.Transpose:
		return true
	}
	return false
}

// globalAverage reports whether op averages whole maps.
func globalAverage(op graph.Op) bool {
	p, ok := op.(*graph.Pool)
	return ok && p.Global && p.Type != graph.MaxPool
}
