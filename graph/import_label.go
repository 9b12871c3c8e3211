package graph

import "github.com/octet-dnn/octet/model"

var labelImporters = map[string]importFunc{
	"cross_entropy":              importCrossEntropy,
	"cross_entropy2":             importCrossEntropy,
	"softmax_with_cross_entropy": importSoftmaxCrossEntropy,
	"top_k":                      importTopK,
	"top_k_v2":                   importTopK,
	"arg_max":                    importArgMax,
	"accuracy":                   importAccuracy,
}

// label reads the Label slot: indices of classes.
func (r *reader) label() *Value {
	v := r.in("Label")
	if r.flag("soft_label", false) {
		r.fail(unsupportedErr("soft labels"))
	}
	r.int64(v)
	return v
}

func (r *reader) int64(v *Value) {
	if r.err == nil && v.DType != model.Int64 {
		r.fail(unsupportedErr("input %q of type %v instead of int64", v.Name, v.DType))
	}
}

func importCrossEntropy(r *reader) {
	p, label := r.in("X"), r.label()
	r.float(p)
	op := &CrossEntropy{IgnoreIndex: int64(r.int("ignore_index", -100))}
	r.emit(op, p, label).out("Y", model.FP32)
}

func importSoftmaxCrossEntropy(r *reader) {
	logits, label := r.in("Logits"), r.label()
	r.float(logits)
	if !r.flag("use_softmax", true) {
		r.fail(unsupportedErr("softmax_with_cross_entropy of probabilities"))
	}
	op := &SoftmaxCrossEntropy{Axis: r.int("axis", -1), IgnoreIndex: int64(r.int("ignore_index", -100))}
	r.emit(op, logits, label).out("Softmax", model.FP32).out("Loss", model.FP32)
}

func importTopK(r *reader) {
	r.absent("K")
	x := r.in("X")
	r.float(x)
	op := &TopK{K: r.int("k", 1), Axis: r.int("axis", -1), Smallest: !r.flag("largest", true)}
	r.emit(op, x).out("Out", model.FP32).out("Indices", model.Int64)
}

func importArgMax(r *reader) {
	x := r.in("X")
	r.float(x)
	if r.flag("flatten", false) {
		r.fail(unsupportedErr("arg_max of a flattened tensor"))
	}
	if dt := r.int("dtype", -1); dt != -1 && model.DType(dt) != model.Int64 {
		r.fail(unsupportedErr("arg_max of type %v", model.DType(dt)))
	}
	r.emit(&ArgMax{Axis: r.int("axis", -1), KeepDim: r.flag("keepdims", false)}, x).out("Out", model.Int64)
}

func importAccuracy(r *reader) {
	values, indices, label := r.in("Out"), r.in("Indices"), r.in("Label")
	r.float(values)
	r.int64(indices)
	r.int64(label)
	r.emit(&Accuracy{Scalar: r.scalar("Accuracy")}, values, indices, label).
		out("Accuracy", model.FP32).
		optionalOut("Correct", model.Int32).
		optionalOut("Total", model.Int32)
}
