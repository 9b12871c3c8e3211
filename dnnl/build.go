package dnnl

import (
	"fmt"
	"strings"

	"github.com/octet-dnn/octet/cgo"
)

// builder collects what a spec struct says into a cgo.Spec, together with the
// words for an error. It keeps the first error; the descriptors it has borrowed
// are given back by create.
type builder struct {
	name     string // of the primitive, as in errors
	spec     cgo.Spec
	text     []string
	required []Arg
	borrowed borrowed
	err      error

	refIsFast bool // see Primitive.Reference
}

func newBuilder(name string, kind int32, attr Attr) *builder {
	b := &builder{name: name, spec: cgo.Spec{Kind: kind, Impl: attr.Impl}, required: attr.required()}
	b.spec.Scales = cgoMasks(attr.Scales)
	b.spec.ZeroPoints = cgoMasks(attr.ZeroPoints)
	for i, p := range attr.PostOps {
		op := p.op
		if op.Kind == cgo.PostOpBinary {
			op.Src1 = b.borrow(fmt.Sprintf("src1 of post-op %d", i), p.src1)
		}
		b.spec.PostOps = append(b.spec.PostOps, op)
	}
	return b
}

func (b *builder) op() string { return b.name + ".create" }

func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// borrow acquires a descriptor that must be there.
func (b *builder) borrow(what string, d *Desc) cgo.Desc {
	if d == nil {
		b.fail(invalid(b.op(), "no %s", what))
		return cgo.Desc{}
	}
	if !b.borrowed.add(d.own) {
		b.fail(closed(b.op(), what+" "+d.String()))
		return cgo.Desc{}
	}
	return d.own.handle
}

// operand is a descriptor that must be there and appears in the description.
func (b *builder) operand(name string, d *Desc) cgo.Desc {
	h := b.borrow(name, d)
	if d != nil {
		b.text = append(b.text, name+" "+d.String())
	}
	return h
}

// optional is an operand that may be nil.
func (b *builder) optional(name string, d *Desc) cgo.Desc {
	if d == nil {
		return cgo.Desc{}
	}
	return b.operand(name, d)
}

func (b *builder) note(format string, args ...any) {
	b.text = append(b.text, fmt.Sprintf(format, args...))
}

// window takes a list with one number for every spatial dimension; nil means
// def everywhere.
func (b *builder) window(name string, list []int, spatial, def int) (out [cgo.MaxDims]int64) {
	if list == nil {
		for i := range out {
			out[i] = int64(def)
		}
		return out
	}
	if len(list) != spatial {
		b.fail(invalid(b.op(), "%s %v: there are %d spatial dimensions", name, list, spatial))
		return out
	}
	for i, v := range list {
		out[i] = int64(v)
	}
	b.note("%s %s", name, shape(list))
	return out
}

// ordinaryArgs are the arguments whose descriptors a primitive knows itself.
var ordinaryArgs = []Arg{
	ArgSrc, ArgSrc1, ArgWeights, ArgBias, ArgDst, ArgMean, ArgVariance, ArgWorkspace, ArgScratchpad,
}

// impls names the implementations that could take the spec.
func (b *builder) impls(e *Engine) ([]string, error) {
	defer b.borrowed.drop()
	if b.err == nil {
		b.err = e.acquire(b.op())
	}
	if b.err != nil {
		return nil, b.err
	}
	defer e.own.drop()
	names, st := cgo.Impls(e.own.handle, &b.spec)
	return names, check(b.op(), st, strings.Join(b.text, ", "))
}

// create makes the primitive.
func (b *builder) create(e *Engine, attr Attr) (*Primitive, error) {
	defer b.borrowed.drop()
	if b.err == nil {
		b.err = e.acquire(b.op())
	}
	if b.err != nil {
		return nil, b.err
	}
	text := strings.Join(append(b.text, attr.describe()...), ", ")
	h, st := cgo.CreatePrimitive(e.own.handle, &b.spec)
	if st != cgo.StatusSuccess {
		e.own.drop()
		return nil, check(b.op(), st, text)
	}
	for _, a := range ordinaryArgs {
		if h.ArgSize(int32(a)) > 0 {
			b.required = append(b.required, a)
		}
	}
	for i := range b.spec.Srcs {
		b.required = append(b.required, ArgMultipleSrc(i))
	}
	p := &Primitive{
		name: b.name, text: text, impl: h.Impl(), opExecute: b.name + ".execute",
		required: b.required, vectors: vectors(h, attr), refIsFast: b.refIsFast,
	}
	hold(p, &p.handleOf, own(h, cgo.Primitive.Destroy, e.own))
	return p, nil
}
