package conformance

import (
	"fmt"

	"github.com/octet-dnn/octet/internal/ref"
)

// Options adapt a suite to the machine it runs on.
type Options struct {
	// PairSaturation restricts 8-bit weights to what CPUs without VNNI or AMX
	// compute exactly: 7 bits, for their sums of two products saturate at 16
	// bits, and even with a source of type s8, for oneDNN then halves the
	// weights of convolutions (developer guide, "Nuances of int8 Computations").
	PairSaturation bool
}

// A Problem is a case with its data: what a Backend computes.
type Problem struct {
	Line string // the case, as a reproducer

	// Op holds all tensors, filled. Op.Result() holds what dst contains before:
	// a sum post-op reads it. A Backend must change none of them.
	Op ref.Op

	// Tags are the memory layouts that the case asks for; "any" leaves the
	// choice to the backend, and where there is no entry, row-major is meant.
	Tags map[ref.Arg]string

	Tolerance Tolerance

	// Own is set where the case is about something of Octet's own.
	Own *Own
}

// builder carries what the steps of building share.
type builder struct {
	*fields
	fill filler
	tags map[ref.Arg]string

	// spreadOf is the typical magnitude of a real result before dst's scale; it
	// sizes biases, addends and the scale of dst so that they matter and yet do
	// not saturate everything.
	spreadOf float64
	tol      Tolerance

	own        *Own              // for Problem.Own
	fillSource func(*ref.Tensor) // of a product, where its kind has a way of its own
}

// kinds make the operation of each kind of case.
var kinds = map[string]func(*builder) (ref.Op, error){
	"conv": buildConv, "deconv": buildDeconv, "ip": buildInnerProduct, "matmul": buildMatMul,
	"pool": buildPool, "reorder": buildReorder, "eltwise": buildEltwise, "binary": buildBinary,
	"softmax": buildSoftmax, "concat": buildConcat, "sum": buildSum, "lrn": buildLRN, "lnorm": buildLayerNorm,
	"resample": buildResample, "reduction": buildReduction, "shuffle": buildShuffle,
	"dw": buildOwnDepthwise, "stem": buildStem, "stem_f32": buildFloatStem, "smallmap": buildSmallMap, "lanes": buildLanes,
}

// Build makes the problem of one case. The same line and options give the same
// data on every machine.
func Build(line string, o Options) (*Problem, error) {
	f, err := splitFields(line)
	if err != nil {
		return nil, err
	}
	build := kinds[f.kind]
	if build == nil {
		return nil, fmt.Errorf("case %q: unknown kind %q", line, f.kind)
	}
	b := &builder{fields: f, tags: map[ref.Arg]string{}, spreadOf: 1}
	b.fill = filler{seed: uint64(b.integer("seed", 1)), real: b.text("data", "exact") == "real", pairs: o.PairSaturation}
	op, err := build(b)
	if err == nil || b.err != nil { // a bad field explains what it led to
		err = b.finish()
	}
	if err != nil {
		return nil, fmt.Errorf("case %q: %w", line, err)
	}
	b.fill.source("dst", op.Result())
	return &Problem{Line: line, Op: op, Tags: b.tags, Tolerance: b.tol, Own: b.own}, nil
}

// layout reads the layout field key of an argument.
func (b *builder) layout(key string, arg ref.Arg, def string) {
	if tag := b.text(key, def); tag != "" {
		b.tags[arg] = tag
	}
}
