//go:build cgo

package dnnl_test

import (
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

// What lanes compute, package conformance tests.
func TestChainRefusesLanes(t *testing.T) {
	k := open(t)
	p, d := k.relu(8)
	m := k.memory(d)
	args := []dnnl.ArgMem{{Arg: dnnl.ArgSrc, Mem: m}, {Arg: dnnl.ArgDst, Mem: m}}
	for _, s := range []dnnl.Step{
		{Primitive: p, Args: args, Lane: -1},
		{Primitive: p, Args: args, Lane: 1 << 40},
		{Primitive: p, Args: args, Fence: true},
	} {
		if c, err := dnnl.NewChain([]dnnl.Step{s}, nil); err == nil {
			c.Close()
			t.Errorf("lane %d, fence %t: no error", s.Lane, s.Fence)
		}
	}
}
