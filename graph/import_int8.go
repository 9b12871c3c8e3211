package graph

import "github.com/octet-dnn/octet/model"

var int8Importers = map[string]importFunc{
	"quantize":   importQuantize,
	"dequantize": importDequantize,
	"requantize": importRequantize,
}

func importQuantize(r *reader) {
	x := r.in("Input")
	r.float(x)
	r.noShift("Shift")
	if r.flag("bfloat16", false) {
		r.fail(unsupportedErr("quantize to bfloat16"))
	}
	dt := model.UInt8
	if r.flag("is_negative_input", false) {
		dt = model.Int8
	}
	r.emit(&Quantize{Scale: r.scale("Scale", 1)}, x).out("Output", dt)
}

func importDequantize(r *reader) {
	x := r.int8In()
	r.noShift("Shift")
	r.emit(&Dequantize{Scale: r.scale("Scale", 1)}, x).out("Output", model.FP32)
}

func importRequantize(r *reader) {
	x := r.int8In()
	r.noShift("Shift_in", "Shift_out")
	op := &Requantize{ScaleIn: r.scale("Scale_in", 1), ScaleOut: r.scale("Scale_out", 1)}
	r.emit(op, x).out("Output", typeOf(x))
}

func (r *reader) int8In() *Value {
	x := r.in("Input")
	if r.err == nil && !isInt8(x) {
		r.fail(unsupportedErr("input %q of type %v instead of uint8 or int8", x.Name, x.DType))
	}
	return x
}

// noShift refuses zero points: Octet's INT8 is symmetric, as the calibrator's.
func (r *reader) noShift(names ...string) {
	for _, name := range names {
		if s := r.number(name, 0); s != 0 {
			r.fail(unsupportedErr("%s %v", name, s))
		}
	}
}
