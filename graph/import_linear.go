package graph

import "github.com/octet-dnn/octet/model"

var linearImporters = map[string]importFunc{
	"mul":       importMul,
	"matmul":    importMatMul,
	"matmul_v2": importMatMul,
	"fc":        importFC,
}

// importMul reads the mul of 1.x. Over an INT8 input its weights are quantised
// too, as 1.8 does: it is a fully connected layer then.
func importMul(r *reader) {
	x, y := r.in("X"), r.in("Y")
	cols := r.int("x_num_col_dims", 1)
	if isInt8(x) {
		q := &Int8{
			ScaleIn:        r.scale("scale_x", 1),
			ScaleOut:       r.scale("scale_out", 1),
			ScaleInEltwise: 1,
			ScaleWeights:   r.weightScales("scale_y"),
			ForceFP32:      r.flag("force_fp32_output", false),
		}
		f := &FC{NumColDims: cols, Int8: q}
		if r.int("y_num_col_dims", 1) != 1 {
			r.fail(unsupportedErr("INT8 mul with y_num_col_dims above 1"))
		}
		r.emit(f, x, r.constant(y, "Y"), nil).out("Out", f.int8Type())
		return
	}
	r.float(x, y)
	r.emit(&Mul{XCols: cols, YCols: r.int("y_num_col_dims", 1)}, x, y).out("Out", model.FP32)
}

// importMatMul reads matmul (transpose_X, alpha) and matmul_v2 (trans_x).
func importMatMul(r *reader) {
	m := &MatMul{
		TransX: r.flag("trans_x", false) || r.flag("transpose_X", false),
		TransY: r.flag("trans_y", false) || r.flag("transpose_Y", false),
		Alpha:  r.number("alpha", 1),
	}
	x, y := r.in("X"), r.in("Y")
	r.float(x, y)
	r.emit(m, x, y).out("Out", model.FP32)
}

// importFC reads the fused fc, which is INT8 if its input is.
func importFC(r *reader) {
	f := &FC{NumColDims: r.int("in_num_col_dims", 1), Act: r.fcActivation()}
	if r.flag("padding_weights", false) {
		r.fail(unsupportedErr("padded weights"))
	}
	x := r.in("Input")
	dt := model.FP32
	if isInt8(x) {
		f.Int8 = &Int8{
			ScaleIn:        r.scale("Scale_in", 1),
			ScaleOut:       r.scale("Scale_out", 1),
			ScaleInEltwise: 1,
			ScaleWeights:   r.weightScales("Scale_weights"),
			ForceFP32:      r.flag("force_fp32_output", false),
		}
		dt = f.int8Type()
	} else {
		r.float(x)
	}
	r.emit(f, x, r.param("W"), r.optionalParam("Bias")).out("Out", dt)
}

// fcActivation reads activation_type, or fuse_activation which oneDNN's passes
// of 2.x add for everything but relu.
func (r *reader) fcActivation() Activation {
	if r.text("activation_type", "") == "relu" {
		return Activation{Kind: ActReLU}
	}
	if t := r.text("activation_type", ""); t != "" {
		return r.namedActivation(t)
	}
	return r.fusedActivation()
}

func (f *FC) int8Type() model.DType {
	switch {
	case f.Int8.ForceFP32:
		return model.FP32
	case f.Act.Unsigned():
		return model.UInt8
	}
	return model.Int8
}
