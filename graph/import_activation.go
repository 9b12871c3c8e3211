package graph

import "github.com/octet-dnn/octet/model"

var activationImporters = map[string]importFunc{
	"relu":         plainAct(ActReLU),
	"sigmoid":      plainAct(ActSigmoid),
	"tanh":         plainAct(ActTanh),
	"mish":         plainAct(ActMish),
	"exp":          plainAct(ActExp),
	"sqrt":         plainAct(ActSqrt),
	"square":       plainAct(ActSquare),
	"abs":          plainAct(ActAbs),
	"relu6":        act(func(r *reader) Activation { return clip(0, r.number("threshold", 6)) }),
	"clip":         importClip,
	"leaky_relu":   act(func(r *reader) Activation { return Activation{Kind: ActLeakyReLU, Alpha: r.number("alpha", .02)} }),
	"swish":        act(func(r *reader) Activation { return Activation{Kind: ActSwish, Alpha: r.number("beta", 1)} }),
	"silu":         act(func(*reader) Activation { return Activation{Kind: ActSwish, Alpha: 1} }),
	"gelu":         act(gelu),
	"hard_swish":   importHardSwish,
	"hard_sigmoid": act(hardSigmoid),
	"pow":          importPow,
	"prelu":        importPReLU,
	"scale":        importScale,
	"dropout":      importDropout,
	"assign":       importIdentity,
	"cast":         importCast,
}

func clip(low, high float32) Activation {
	return Activation{Kind: ActClip, Alpha: low, Beta: high}
}

func plainAct(kind ActKind) importFunc {
	return act(func(*reader) Activation { return Activation{Kind: kind} })
}

// act imports an op that applies the activation that read finds in its attributes.
func act(read func(*reader) Activation) importFunc {
	return func(r *reader) {
		x := r.in("X")
		r.float(x)
		r.emit(&Act{read(r)}, x).out("Out", model.FP32)
	}
}

func gelu(r *reader) Activation {
	if r.flag("approximate", false) {
		return Activation{Kind: ActGELUTanh}
	}
	return Activation{Kind: ActGELUErf}
}

// importHardSwish reads x·min(max(x+offset, 0), threshold)/scale. With threshold
// equal to scale, as in every network seen, that is x·clamp(x/scale+offset/scale,
// 0, 1); others become that product.
func importHardSwish(r *reader) {
	threshold, scale, offset := r.number("threshold", 6), r.scale("scale", 6), r.number("offset", 3)
	if threshold == scale {
		act(func(*reader) Activation {
			return Activation{Kind: ActHardSwish, Alpha: 1 / scale, Beta: offset / scale}
		})(r)
		return
	}
	x := r.in("X")
	r.float(x)
	gate := r.emit(&Act{Activation{Kind: ActLinear, Alpha: 1 / scale, Beta: offset / scale}}, x).hidden(model.FP32)
	gate = r.emit(&Act{clip(0, threshold/scale)}, gate).hidden(model.FP32)
	r.emit(&Binary{Type: MulElem, Axis: -1}, x, gate).out("Out", model.FP32)
}

func hardSigmoid(r *reader) Activation {
	return Activation{Kind: ActHardSigmoid, Alpha: r.number("slope", .2), Beta: r.number("offset", .5)}
}

func importClip(r *reader) {
	r.absent("Min", "Max")
	act(func(r *reader) Activation { return clip(r.number("min", 0), r.number("max", 0)) })(r)
}

func importPReLU(r *reader) {
	if r.text("data_format", "NCHW") == "NHWC" {
		r.fail(unsupportedErr("prelu over NHWC"))
	}
	x, alpha := r.in("X"), r.param("Alpha")
	r.float(x)
	r.emit(&PReLU{}, x, alpha).out("Out", model.FP32)
}

func importPow(r *reader) {
	r.absent("FactorTensor")
	act(func(r *reader) Activation { return Activation{Kind: ActPow, Alpha: r.number("factor", 1)} })(r)
}

// importScale reads x·s+b, or (x+b)·s. Saved programs put a scale of 1 on every
// fetched variable, integers included.
func importScale(r *reader) {
	r.absent("ScaleTensor")
	s, b := r.number("scale", 1), r.number("bias", 0)
	if !r.flag("bias_after_scale", true) {
		b *= s
	}
	if s == 1 && b == 0 {
		importIdentity(r)
		return
	}
	x := r.in("X")
	r.arithmetic(x)
	r.emit(&Act{Activation{Kind: ActLinear, Alpha: s, Beta: b}}, x).out("Out", typeOf(x))
}

// importDropout is what dropout does at inference: by default it scales by the
// share that training kept.
func importDropout(r *reader) {
	p := r.number("dropout_prob", .5)
	if p < 0 || p > 1 {
		r.fail(programErr("attribute dropout_prob is %v", p))
	}
	switch impl := r.text("dropout_implementation", "downgrade_in_infer"); {
	case impl == "upscale_in_train" || p == 0:
		importIdentity(r)
	case impl == "downgrade_in_infer":
		act(func(*reader) Activation { return Activation{Kind: ActLinear, Alpha: 1 - p} })(r)
	default:
		r.fail(programErr("attribute dropout_implementation is %q", impl))
	}
}

func importIdentity(r *reader) {
	x := r.in("X")
	r.emit(&Identity{}, x).out("Out", typeOf(x))
}

func importCast(r *reader) {
	x := r.in("X")
	to := model.DType(r.int("out_dtype", int(model.FP32)))
	switch to {
	case typeOf(x):
		r.emit(&Identity{}, x).out("Out", to)
	case model.FP32, model.Int32, model.Int64:
		r.emit(&Cast{To: to}, x).out("Out", to)
	default:
		r.fail(unsupportedErr("cast to %v", to))
	}
}

// fusedActivation reads the activation attributes of convolutions: fuse_relu
// and fuse_brelu of 1.x, fuse_activation with fuse_alpha and fuse_beta of 1.5
// and later.
func (r *reader) fusedActivation() Activation {
	switch {
	case r.flag("fuse_brelu", false):
		return clip(0, r.number("fuse_brelu_threshold", 6))
	case r.flag("fuse_relu", false):
		return Activation{Kind: ActReLU}
	}
	return r.namedActivation(r.text("fuse_activation", ""))
}

func (r *reader) namedActivation(name string) Activation {
	alpha, beta := r.number("fuse_alpha", 0), r.number("fuse_beta", 0)
	switch name {
	case "", "identity":
		return Activation{}
	case "relu":
		return Activation{Kind: ActReLU}
	case "relu6":
		return r.fusedReLU6(alpha, beta)
	case "clip":
		return clip(alpha, beta)
	case "leaky_relu":
		return Activation{Kind: ActLeakyReLU, Alpha: alpha}
	case "sigmoid":
		return Activation{Kind: ActSigmoid}
	case "tanh":
		return Activation{Kind: ActTanh}
	case "swish":
		return Activation{Kind: ActSwish, Alpha: alpha}
	case "hard_swish":
		return Activation{Kind: ActHardSwish, Alpha: alpha, Beta: beta}
	case "hard_sigmoid":
		return Activation{Kind: ActHardSigmoid, Alpha: alpha, Beta: beta}
	case "gelu", "gelu_erf":
		return Activation{Kind: ActGELUErf}
	case "gelu_tanh":
		return Activation{Kind: ActGELUTanh}
	case "mish":
		return Activation{Kind: ActMish}
	}
	r.fail(unsupportedErr("fused activation %q", name))
	return Activation{}
}

// fusedReLU6 takes the bound from beta, as oneDNN's clip does from 2.0 on, or
// from alpha, as its bounded relu did before. Paddle computes all zeros if both
// are missing; nobody means that.
func (r *reader) fusedReLU6(alpha, beta float32) Activation {
	switch {
	case alpha == 0 && beta > 0:
		return clip(0, beta)
	case alpha > 0 && beta == 0:
		return clip(0, alpha)
	}
	r.fail(programErr("relu6 with fuse_alpha %v and fuse_beta %v", alpha, beta))
	return Activation{}
}
