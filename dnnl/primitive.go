package dnnl

import (
	"strings"
	"sync"

	"github.com/octet-dnn/octet/cgo"
)

// Primitive is an operation compiled for one set of shapes, types and layouts.
// Many goroutines may execute one at the same time, each with its own stream,
// scratchpad and dst.
type Primitive struct {
	handleOf[cgo.Primitive]
	name      string
	text      string
	impl      string
	opExecute string   // in errors; joined once, as Execute allocates nothing
	required  []Arg    // what an execution must give
	vectors   []vector // the scales and zero points among it
	refIsFast bool     // see Reference

	mu    sync.Mutex
	descs map[Arg]*Desc // handed out by Desc
}

// Desc returns the descriptor of an argument as the primitive wants it: what
// oneDNN chose where the spec said [Any], and how much scratchpad it needs. It
// is the empty descriptor, of size 0, if the primitive does not use the
// argument. The descriptor belongs to the primitive and is closed with it; use
// [Desc.Clone] to keep one.
func (p *Primitive) Desc(a Arg) *Desc {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d, ok := p.descs[a]; ok {
		return d
	}
	if !p.own.acquire() {
		return new(Desc)
	}
	defer p.own.drop()
	h, st := p.own.handle.Desc(int32(a))
	d, err := newDesc(p.name+".desc", h, st, a.String)
	if err != nil {
		return new(Desc) // out of memory: the next use of it will say so
	}
	if p.descs == nil {
		p.descs = make(map[Arg]*Desc)
	}
	p.descs[a] = d
	return d
}

// Close closes the primitive and the descriptors it has handed out. An
// execution in flight, or a chain that contains the primitive, keeps what it
// needs until it is done.
func (p *Primitive) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.descs {
		d.Close()
	}
	return p.handleOf.Close()
}

// Impl names the implementation that oneDNN chose, such as
// "brg_conv_fwd:avx512_core_vnni": the kernel, and the instruction set it
// needs. The spelling changes between versions of oneDNN. Names that begin
// with [Own] are Octet's.
func (p *Primitive) Impl() string { return p.impl }

// Reference reports whether oneDNN fell back on plain loops that are 10 to 100
// times slower than its kernels. It gives no error when it does: for a
// convolution from channels-first to channels-last, a mean over the outer
// dimensions, a channels-first u8 pooling, a sum of u8 and s8 into f32.
//
// The answer is read off the name of the implementation, as oneDNN has no
// other way to tell. A name that begins with "ref" ("ref:any", "ref_int8:any",
// "ref_fused_convolution:any...") is slow, except that a shuffle of channels
// runs at the speed of memory under that name, and a sum is a row of reorders.
// "simple:any" is slow for a reorder (f32 to f16 without AVX512-FP16: 27 ns a
// byte, where others take 0.1 to 0.7), though 3.2 also gives that name to a
// plain copy, which is fast; it is fast for concat and sum. Measured with 3.2
// and 3.13 on a CPU with AVX-512.
func (p *Primitive) Reference() bool {
	switch {
	case strings.HasPrefix(p.impl, "ref"):
		return !p.refIsFast
	case strings.HasPrefix(p.impl, "simple:"):
		return p.name == "reorder"
	default:
		return false
	}
}

// String describes the primitive: its kind, operands, parameters, attribute
// and implementation.
func (p *Primitive) String() string { return p.name + " " + p.text + " (" + p.impl + ")" }
