package graph

import (
	"math"

	"github.com/octet-dnn/octet/model"
)

// resolveQDQ turns quantize_linear into Quantize. Its 127 levels are those of
// a simulation in FP32; integers of what is never negative get all 255 levels
// of u8 for the same range, as Paddle's own INT8 engine does it.
func resolveQDQ(r *rewriter) error {
	unsigned := unsignedValues(r.g)
	for l := range r.layers() {
		switch op := l.Op.(type) {
		case *quantizeLinear:
			if unsigned[l.In[0]] {
				l.Out[0].DType = model.UInt8
			}
			l.Op = &Quantize{Scale: linearScale(op.threshold, levelsOf(l.Out[0]))}
		case *dequantizeLinear:
			l.Op = &Dequantize{Scale: linearScale(op.threshold, levelsOf(l.In[0]))}
		}
	}
	return nil
}

func levelsOf(v *Value) int {
	if v.DType == model.UInt8 {
		return math.MaxUint8
	}
	return math.MaxInt8
}

// takeIntegers makes convolutions and products INT8 layers, with a real result,
// where they read dequantised activations and dequantised weights. Weights of
// other layers become FP32 constants.
func takeIntegers(r *rewriter) error {
	shapes, err := probe(r.g)
	if err != nil {
		return err
	}
	for l := range r.layers() {
		r.takeIntegers(l, shapes)
	}
	for l := range r.layers() {
		if op, ok := l.Op.(*DequantizeWeights); ok && len(r.uses[l.Out[0]]) > 0 {
			if err := r.realWeights(l, op); err != nil {
				return &OpError{Op: op.Kind(), Var: l.Name, Err: err}
			}
		}
	}
	return nil
}

func (r *rewriter) takeIntegers(l *Layer, shapes map[*Value]Shape) {
	if len(l.In) < 2 || l.In[0].Producer == nil || l.In[1].Producer == nil {
		return
	}
	x, ok := l.In[0].Producer.Op.(*Dequantize)
	w, weights := l.In[1].Producer.Op.(*DequantizeWeights)
	if !ok || !weights {
		return
	}
	integers, s8 := l.In[0].Producer.In[0], l.In[1].Producer.In[0]
	q := &Int8{ScaleIn: x.Scale, ScaleOut: 1, ScaleInEltwise: 1, ScaleWeights: w.Scales, ForceFP32: true}
	matrix := len(s8.Dims) == 2 && (w.Axis == 1 || len(w.Scales) == 1)
	switch op := l.Op.(type) {
	case *Conv:
		if op.Int8 == nil && (w.Axis == 0 || len(w.Scales) == 1) {
			op.Int8 = q
			r.setIn(l, 0, integers)
			r.setIn(l, 1, s8)
		}
	case *FC:
		if matrix && op.Int8 == nil {
			op.Int8 = q
			r.setIn(l, 0, integers)
			r.setIn(l, 1, s8)
		}
	case *Mul:
		if matrix && op.YCols == 1 {
			r.replace(l, &FC{NumColDims: op.XCols, Int8: q}, integers, s8, nil)
		}
	case *MatMul:
		if rank := len(shapes[l.In[0]]); matrix && rank > 1 && !op.TransX && !op.TransY && op.Alpha == 1 {
			r.replace(l, &FC{NumColDims: rank - 1, Int8: q}, integers, s8, nil)
		}
	}
}

// realWeights makes the output of l an FP32 constant.
func (r *rewriter) realWeights(l *Layer, op *DequantizeWeights) error {
	w := l.In[0]
	x, err := dequantizeWeights(w.Const, op.Scales, op.Axis)
	if err != nil {
		return err
	}
	r.becomeConstant(l, floatConst(w.Name, x, w.Dims...))
	return nil
}
