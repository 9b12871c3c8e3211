package onednn

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/internal/conformance"
	"github.com/octet-dnn/octet/internal/ref"
)

// laneRuns is how often a chain runs: lanes that do not wait for one another
// go wrong only now and then.
const laneRuns = 30

// runLanes executes a conformance.Lanes as a chain, a step a lane and round.
func (b *Backend) runLanes(p *conformance.Problem) (result *conformance.Result, err error) {
	l := p.Op.(*conformance.Lanes)
	c := &call{Backend: b, tags: p.Tags, threads: 1} // lanes have a thread each
	defer func() { err = errors.Join(err, c.close()) }()
	x := c.laneChain(l)
	if c.err != nil {
		return nil, c.err
	}
	s, err := b.streamOf(p.Own.Threads)
	if err != nil {
		return nil, err
	}
	result = &conformance.Result{Dst: ref.NewTensor(ref.F32, l.Dst.Dims...), Impl: "lanes"}
	var first []byte
	for run := range laneRuns {
		for _, m := range x.written { // what the last run left must not help
			for i := range m {
				m[i] = guardByte
			}
		}
		if err := x.chain.Run(s, nil); err != nil {
			return nil, err
		}
		var all []byte
		for _, m := range x.last {
			all = append(all, m...)
		}
		if run == 0 {
			first = all
		}
		if !bytes.Equal(all, first) {
			return result, fmt.Errorf("%w: run %d differs from the first", conformance.ErrMismatch, run)
		}
	}
	return result, result.Dst.SetBytes(first)
}

// A laneChain is the chain with what its steps write, and with the last of it.
type laneChain struct {
	chain         *dnnl.Chain
	written, last [][]byte
}

func (c *call) laneChain(l *conformance.Lanes) (x laneChain) {
	lanes, width := l.Src.Dims[0], l.Src.Dims[1]
	d := c.plain(ref.NewTensor(ref.F32, 1, width))
	c.make(dnnl.Eltwise{Alg: dnnl.EltwiseLinear, Src: d, Dst: d, Alpha: float32(l.Alpha), Beta: float32(l.Beta)})
	now := make([]*dnnl.Memory, lanes)
	for i := range now {
		var to []byte
		if now[i], to = c.memoryAndBytes(d); c.err == nil {
			copy(to, l.Src.Bytes()[i*len(to):])
		}
	}
	var steps []dnnl.Step
	for range l.Rounds {
		next := make([]*dnnl.Memory, lanes)
		x.last = nil
		for i := range next {
			var to []byte
			next[i], to = c.memoryAndBytes(d)
			x.last = append(x.last, to)
			steps = append(steps, dnnl.Step{Primitive: c.primitive, Lane: i + 1, Fence: i == 0, Args: []dnnl.ArgMem{
				{Arg: dnnl.ArgSrc, Mem: now[(i+1)%lanes]}, {Arg: dnnl.ArgDst, Mem: next[i]},
			}})
		}
		x.written = append(x.written, x.last...)
		now = next
	}
	if c.err != nil {
		return x
	}
	chain, err := dnnl.NewChain(steps, nil)
	x.chain = keep(c, chain, err)
	return x
}
