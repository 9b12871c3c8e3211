package conformance

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/internal/ref"
)

// A reference is the backend that is right by definition; before may change
// what it is given, after what it found.
type reference struct {
	before func(*Problem)
	after  func(*ref.Tensor)
}

func (r reference) Run(p *Problem) (*Result, error) {
	fresh, err := Build(p.Line, Options{}) // tensors of our own: Check uses p's after us
	if err != nil {
		return nil, err
	}
	if r.before != nil {
		r.before(fresh)
	}
	if err := fresh.Op.Run(); err != nil {
		return nil, err
	}
	if r.after != nil {
		r.after(fresh.Op.Result())
	}
	return &Result{Dst: fresh.Op.Result(), Impl: "reference"}, nil
}

// spoiledLine has every ingredient that a broken executor may get wrong.
const spoiledLine = "conv src=u8:1x8x6x6 wei=8 k=3x3 p=1x1 dst=s8 bias scales=src:0,wei:1,dst:0 zp=src:0,dst:0 post=sum:0.5,mul:f32:2,relu:0.25"

// spoilers are executors with one error each.
var spoilers = map[string]func(*ref.Convolution){
	"no bias": func(c *ref.Convolution) { c.Bias = nil },
	"no sum":  func(c *ref.Convolution) { c.Attr.PostOps = c.Attr.PostOps[1:] },
	"post-ops in wrong order": func(c *ref.Convolution) {
		c.Attr.PostOps[0], c.Attr.PostOps[1] = c.Attr.PostOps[1], c.Attr.PostOps[0]
	},
	"no zero point of src": func(c *ref.Convolution) { delete(c.Attr.ZeroPoints, ref.ArgSrc) },
	"no zero point of dst": func(c *ref.Convolution) { delete(c.Attr.ZeroPoints, ref.ArgDst) },
	"one scale for all channels": func(c *ref.Convolution) {
		c.Attr.Scales[ref.ArgWeights] = ref.Param{Values: c.Attr.Scales[ref.ArgWeights].Values[:1]}
	},
	"scale multiplied instead of divided": func(c *ref.Convolution) {
		v := c.Attr.Scales[ref.ArgDst].Values
		v[0] = 1 / v[0]
	},
	"padded left instead of both sides": func(c *ref.Convolution) { c.PadL, c.PadR = []int{2, 2}, []int{0, 0} },
	"weights transposed": func(c *ref.Convolution) {
		w := c.Weights.Clone()
		for i, at := range ref.Indices(w.Dims) {
			c.Weights.Data[((at[1]*8+at[0])*3+at[2])*3+at[3]] = w.Data[i]
		}
	},
	"pairs saturated": func(c *ref.Convolution) {
		// Only raw u8 values reach that instruction: the zero point goes into the bias.
		zero := c.Attr.ZeroPoints[ref.ArgSrc].Values[0]
		delete(c.Attr.ZeroPoints, ref.ArgSrc)
		c.Dot = func(src, wei []float64) float64 {
			return ref.PairSaturatedDot(src, wei) - zero*ref.ExactDot(ones(len(wei)), wei)
		}
	},
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

// TestSpoiledBackends holds that the suite finds errors of every kind.
func TestSpoiledBackends(t *testing.T) {
	for name, spoil := range spoilers {
		b := reference{before: func(p *Problem) { spoil(p.Op.(*ref.Convolution)) }}
		if _, err := Check(b, spoiledLine, Options{}); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: error %v, want ErrMismatch", name, err)
		}
	}
	for _, i := range []int{0, 100, 8*6*6 - 1} {
		b := reference{after: func(x *ref.Tensor) { x.Data[i] += pick(x.Data[i] < 0, 2) - 1 }}
		if _, err := Check(b, spoiledLine, Options{}); !errors.Is(err, ErrMismatch) {
			t.Errorf("element %d off by one: error %v, want ErrMismatch", i, err)
		}
	}
	if _, err := Check(reference{}, spoiledLine, Options{}); err != nil {
		t.Errorf("unspoiled: %v", err)
	}
}

// TestPeerIsHeldToTheByte: a result within the tolerance is wrong where a
// peer's is another, and a zero of the other sign is another.
func TestPeerIsHeldToTheByte(t *testing.T) {
	line := "conv src=f32:1x4x5x5 wei=4 k=3x3 data=real"
	for name, test := range map[string]struct {
		change func(*ref.Tensor)
		ok     bool
	}{
		"same":         {func(*ref.Tensor) {}, true},
		"last bit":     {func(x *ref.Tensor) { x.Data[3] = ref.F32.Round(x.Data[3] * (1 + 0x1p-23)) }, false},
		"minus zero":   {func(x *ref.Tensor) { x.Data[3] = math.Copysign(0, -1) }, false},
		"NaN for zero": {func(x *ref.Tensor) { x.Data[3] = math.NaN() }, false},
	} {
		_, err := Check(peered{reference{}, test.change}, line, Options{})
		if (err == nil) != test.ok || err != nil && !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// peered has a peer that the change tells apart.
type peered struct {
	Backend
	change func(*ref.Tensor)
}

func (b peered) Run(p *Problem) (*Result, error) {
	r, err := b.Backend.Run(p)
	if err != nil {
		return nil, err
	}
	r.Peer, r.PeerImpl = r.Dst.Clone(), "peer"
	b.change(r.Peer)
	return r, nil
}

func TestToleranceIsTight(t *testing.T) {
	for _, test := range []struct {
		line string
		off  float64 // relative
		ok   bool
	}{
		{"conv src=f32:1x4x5x5 wei=4 k=3x3", 0x1p-23, false}, // exact data: one unit in the last place is wrong
		{"conv src=f32:1x4x5x5 wei=4 k=3x3 data=real", 0x1p-23, true},
		{"conv src=f32:1x4x5x5 wei=4 k=3x3 data=real", 1e-4, false},
		{"eltwise src=f32:2x50 alg=exp", 1e-6, true},
		{"eltwise src=f32:2x50 alg=exp", 2e-5, false},
		{"softmax src=f32:2x50", 1e-5, false},
	} {
		scaled := reference{after: func(x *ref.Tensor) {
			for i, v := range x.Data {
				x.Data[i] = x.DType.Round(v * (1 + test.off))
			}
		}}
		if _, err := Check(scaled, test.line, Options{}); errors.Is(err, ErrMismatch) == test.ok {
			t.Errorf("%s, off by %g: %v", test.line, test.off, err)
		}
	}
}

// TestCases builds every case, which validates the files, and holds what the
// suite promises to cover.
func TestCases(t *testing.T) {
	cases, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 400 {
		t.Errorf("%d cases, want at least 400", len(cases))
	}
	seen, kindsSeen, types := map[string]string{}, map[string]int{}, map[ref.DType]int{}
	for _, c := range cases {
		if before, twice := seen[c.Line]; twice {
			t.Errorf("%s and %s are the same case: %s", before, c.Name, c.Line)
		}
		seen[c.Line] = c.Name
		p, err := Build(c.Line, Options{})
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		kindsSeen[strings.Fields(c.Line)[0]]++
		types[p.Op.Result().DType]++
	}
	for kind := range kinds {
		if kindsSeen[kind] < 5 {
			t.Errorf("%d cases of %s", kindsSeen[kind], kind)
		}
	}
	for _, dt := range []ref.DType{ref.F32, ref.BF16, ref.S32, ref.S8, ref.U8} {
		if types[dt] < 5 {
			t.Errorf("%d cases with dst %v", types[dt], dt)
		}
	}
}

// TestDataIsReplayable pins the data of one case: a reproducer must mean the
// same on every machine and in every version. The hash is what this test saw
// when it was written.
func TestDataIsReplayable(t *testing.T) {
	p, err := Build(spoiledLine, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Op.Run(); err != nil {
		t.Fatal(err)
	}
	h := fnv.New64a()
	h.Write(p.Op.Result().Bytes())
	if got, want := fmt.Sprintf("%x", h.Sum64()), "7c6f7abb503bbaf1"; got != want {
		t.Errorf("hash of the result is %s, was %s", got, want)
	}
	other, err := Build(spoiledLine+" seed=2", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if cmp.Equal(other.Op.(*ref.Convolution).Src.Data, p.Op.(*ref.Convolution).Src.Data) {
		t.Error("the seed changes nothing")
	}
}

// TestPairSaturationOption: with restricted weights, the arithmetic of CPUs
// without VNNI gives the exact result, also where weights are halved.
func TestPairSaturationOption(t *testing.T) {
	for src, arithmetic := range map[string]struct {
		dot    ref.Dot
		halved float64
	}{
		"u8": {ref.PairSaturatedDot, 1},
		"s8": {ref.ShiftedPairSaturatedDot, 2},
	} {
		p, err := Build("conv src="+src+":1x16x5x5 wei=8 k=3x3 dst=s32", Options{PairSaturation: true})
		if err != nil {
			t.Fatal(err)
		}
		c := p.Op.(*ref.Convolution)
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		exact := c.Dst.Clone()
		c.Dot = arithmetic.dot
		for i := range c.Weights.Data {
			c.Weights.Data[i] = ref.S8.Round(c.Weights.Data[i] / arithmetic.halved)
		}
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		for i := range c.Dst.Data {
			c.Dst.Data[i] *= arithmetic.halved
		}
		if diff := cmp.Diff(exact.Data, c.Dst.Data); diff != "" {
			t.Errorf("%s:\n%s", src, diff)
		}
	}
}
