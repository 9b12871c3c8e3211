//go:build cgo

package dnnl_test

import (
	"fmt"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

// TestChainLanes has two lanes exchange what they have computed, again and again,
// on teams that have a thread for each, too many and too few.
func TestChainLanes(t *testing.T) {
	const width, rounds, runs = 3000, 7, 100
	for _, threads := range []int{1, 2, 3} {
		t.Run(fmt.Sprintf("threads=%d", threads), func(t *testing.T) {
			k := open(t)
			d := k.f32(1, width)
			p := k.primitive(dnnl.Eltwise{Alg: dnnl.EltwiseLinear, Src: d, Dst: d, Alpha: 2, Beta: 1})
			step := func(lane int, from, to *dnnl.Memory) dnnl.Step {
				return dnnl.Step{Primitive: p, Lane: lane, Args: []dnnl.ArgMem{{Arg: dnnl.ArgSrc, Mem: from}, {Arg: dnnl.ArgDst, Mem: to}}}
			}
			in := [2]*dnnl.Memory{k.unplaced(d), k.unplaced(d)}
			out := [2]*dnnl.Memory{k.unplaced(d), k.unplaced(d)}
			var steps []dnnl.Step
			at := in
			for range rounds { // each lane reads what the other wrote
				next := [2]*dnnl.Memory{k.memory(d), k.memory(d)}
				steps = append(steps, step(1, at[1], next[0]), step(2, at[0], next[1]))
				steps[len(steps)-2].Fence = true
				at = next
			}
			steps = append(steps, step(0, at[0], out[0]), step(0, at[1], out[1]))
			c := must(k, func() (*dnnl.Chain, error) {
				return dnnl.NewChain(steps, dnnl.InOrder(in[0], in[1], out[0], out[1]))
			})
			s := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStreamThreads(k.engine, threads) })
			for run := range runs {
				x := [2][]float32{make([]float32, width), make([]float32, width)}
				want := [2][]float32{make([]float32, width), make([]float32, width)}
				for i := range width {
					x[0][i], x[1][i] = float32(i+run), float32(-i-run)
					// rounds is odd: the values have changed sides. 2x+1 again and again.
					for lane := range 2 {
						want[lane][i] = (x[1-lane][i]+1)*(1<<(rounds+1)) - 1
					}
				}
				y := [2][]float32{make([]float32, width), make([]float32, width)}
				if err := c.Run(s, pointers(x[0], x[1], y[0], y[1])); err != nil {
					t.Fatal(err)
				}
				same(t, y[0], want[0])
				same(t, y[1], want[1])
			}
		})
	}
}

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
