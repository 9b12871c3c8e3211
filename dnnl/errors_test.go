//go:build cgo

package dnnl_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

func TestErrorMatchesByStatus(t *testing.T) {
	err := fmt.Errorf("layer 3: %w", &dnnl.Error{
		Op: "convolution.create", Status: dnnl.StatusUnimplemented, Detail: "src u8 2x64x56x56",
	})
	if !errors.Is(err, dnnl.ErrUnimplemented) || errors.Is(err, dnnl.ErrClosed) {
		t.Errorf("%v matches the wrong status", err)
	}
	var typed *dnnl.Error
	if !errors.As(err, &typed) || typed.Op != "convolution.create" {
		t.Errorf("got %+v out of %v", typed, err)
	}
	const want = "layer 3: convolution.create: unimplemented: src u8 2x64x56x56"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

// An error of a primitive says what was asked for, down to the attribute.
func TestCreateErrorsSayWhatWasAskedFor(t *testing.T) {
	k := open(t)
	nchw := func(dt dnnl.DataType, dims ...int) *dnnl.Desc { return k.desc(dims, dt, dnnl.NCHW) }
	src, wei, dst := nchw(dnnl.F32, 1, 3, 8, 8), nchw(dnnl.F32, 4, 3, 3, 3), nchw(dnnl.F32, 1, 4, 6, 6)
	tests := []struct {
		name string
		spec spec
		want error
		say  []string
	}{
		{"dst of another size", dnnl.Convolution{Src: src, Weights: wei, Dst: src}, dnnl.ErrInvalidArguments,
			[]string{"convolution.create: invalid arguments", "src f32 1x3x8x8 abcd", "wei f32 4x3x3x3 abcd"}},
		{"no kernel for the types", dnnl.Convolution{Src: src, Weights: wei, Dst: nchw(dnnl.S32, 1, 4, 6, 6)},
			dnnl.ErrUnimplemented, []string{"convolution.create: unimplemented: src f32 1x3x8x8 abcd, wei f32 4x3x3x3 abcd, dst s32"}},
		{"pads of a padless size", dnnl.Convolution{Src: src, Weights: wei, Dst: dst, PadL: []int{1, 0}, PadR: []int{0, 1}},
			dnnl.ErrInvalidArguments, []string{"pad-l 1x0, pad-r 0x1"}},
		{"an attribute that does not fit", dnnl.Convolution{Src: src, Weights: wei, Dst: dst,
			Attr: dnnl.Attr{
				Scales:     []dnnl.ScaleMask{{Arg: dnnl.ArgWeights, Mask: 1}},
				ZeroPoints: []dnnl.ScaleMask{{Arg: dnnl.ArgBias}},
				PostOps:    []dnnl.PostOp{dnnl.SumPostOp(2, 0, 0), dnnl.EltwisePostOp(dnnl.EltwiseReLU, 0, 0)},
			}}, nil, // invalid to newer versions of oneDNN, unimplemented to older ones
			[]string{"scales weights:1", "zero points bias:0", "post-op sum 2 zero point 0, post-op eltwise relu 0 0"}},
		{"no weights", dnnl.Convolution{Src: src, Dst: dst}, dnnl.ErrInvalidArguments, []string{"no wei"}},
		{"strides of another rank", dnnl.Convolution{Src: src, Weights: wei, Dst: dst, Strides: []int{1}},
			dnnl.ErrInvalidArguments, []string{"strides [1]", "2 spatial dimensions"}},
		{"pooling without kernel", dnnl.Pooling{Alg: dnnl.PoolMax, Src: src, Dst: dst}, dnnl.ErrInvalidArguments,
			[]string{"pooling.create", "no kernel"}},
		{"no sources", dnnl.Concat{}, dnnl.ErrInvalidArguments, []string{"concat.create", "no sources"}},
		{"a nil source", dnnl.Concat{Srcs: []*dnnl.Desc{src, nil}}, dnnl.ErrInvalidArguments, []string{"no src1"}},
		{"scales missing", dnnl.Sum{Srcs: []*dnnl.Desc{src, src}, Scales: []float32{1}}, dnnl.ErrInvalidArguments,
			[]string{"1 scales for 2 sources"}},
		{"binary post-op without desc", dnnl.Eltwise{Alg: dnnl.EltwiseReLU, Src: src, Dst: src,
			Attr: dnnl.Attr{PostOps: []dnnl.PostOp{dnnl.BinaryPostOp(dnnl.BinaryAdd, nil)}}},
			dnnl.ErrInvalidArguments, []string{"no src1 of post-op 0"}},
		{"factors of another rank", dnnl.Resampling{Alg: dnnl.ResampleLinear, Src: src, Dst: dst, Factors: []float32{2}},
			dnnl.ErrInvalidArguments, []string{"resampling.create", "factors [2]"}},
		{"a post-op of no kind", dnnl.Eltwise{Alg: dnnl.EltwiseReLU, Src: src, Dst: src,
			Attr: dnnl.Attr{PostOps: make([]dnnl.PostOp, 1)}}, dnnl.ErrInvalidArguments, []string{"eltwise.create"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := tt.spec.New(k.engine)
			if err == nil {
				p.Close()
				t.Fatalf("got %s, want an error", p)
			}
			if tt.want != nil {
				expect(t, "New", err, tt.want)
			}
			for _, s := range tt.say {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
	if _, err := (dnnl.Reorder{Src: src, Dst: src}).New(nil); !errors.Is(err, dnnl.ErrInvalidArguments) {
		t.Errorf("New without engine: %v", err)
	}
}

// oneDNN would read through null pointers or past the end in these cases.
func TestExecuteChecksArguments(t *testing.T) {
	k := open(t)
	p, d := k.relu(8)
	m := k.memory(d)
	src, dst := dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: m}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: m}
	small := k.memory(k.f32(1, 4))
	tests := []struct {
		name string
		args []dnnl.ArgMem
		say  string
	}{
		{"nothing", nil, "no src given"},
		{"no dst", []dnnl.ArgMem{src}, "no dst given"},
		{"nil memory", []dnnl.ArgMem{src, {Arg: dnnl.ArgDst}}, "no memory for dst"},
		{"too small", []dnnl.ArgMem{src, {Arg: dnnl.ArgDst, Mem: small}}, "dst is f32 1x4 ab, expected f32 1x8 ab"},
		{"no place", []dnnl.ArgMem{src, {Arg: dnnl.ArgDst, Mem: k.unplaced(d)}}, "dst (f32 1x8 ab) has no place"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := p.Execute(k.stream, tt.args...)
			expect(t, "Execute", err, dnnl.ErrInvalidArguments)
			if err != nil && !strings.Contains(err.Error(), tt.say) {
				t.Errorf("%q does not say %q", err, tt.say)
			}
		})
	}
	expect(t, "Execute without stream", p.Execute(nil, src, dst), dnnl.ErrInvalidArguments)
	if err := p.Execute(k.stream, src, dst); err != nil {
		t.Errorf("in place: %v", err)
	}
}

// What a primitive needs because of its attribute is asked for too.
func TestExecuteAsksForWhatTheAttributeNeeds(t *testing.T) {
	k := open(t)
	wide := k.f32(2, 8)
	s8 := k.desc([]int{2, 8}, dnnl.S8, dnnl.NC)
	p := k.primitive(dnnl.Reorder{Src: wide, Dst: s8, Attr: dnnl.Attr{
		Scales: []dnnl.ScaleMask{{Arg: dnnl.ArgDst, Mask: 2}},
	}})
	args := k.withScratchpad(p, []dnnl.ArgMem{{Arg: dnnl.ArgSrc, Mem: k.memory(wide)}, {Arg: dnnl.ArgDst, Mem: k.memory(s8)}})
	err := p.Execute(k.stream, args...)
	expect(t, "without scale", err, dnnl.ErrInvalidArguments)
	if err != nil && !strings.Contains(err.Error(), "no scale of dst given") {
		t.Error(err)
	}
	scale := func(m *dnnl.Memory) []dnnl.ArgMem {
		return append(slices.Clip(args), dnnl.ArgMem{Arg: dnnl.ArgScale(dnnl.ArgDst), Mem: m})
	}
	for name, m := range map[string]*dnnl.Memory{
		"of integers": tensor[int32](k, k.desc([]int{8}, dnnl.S32, dnnl.A), 1),
		"too short":   tensor[float32](k, k.f32(7), 1),
	} {
		err := p.Execute(k.stream, scale(m)...)
		expect(t, "scales "+name, err, dnnl.ErrInvalidArguments)
		if err != nil && !strings.Contains(err.Error(), "expected 8 of f32") {
			t.Errorf("scales %s: %v", name, err)
		}
	}
	if err := p.Execute(k.stream, scale(tensor[float32](k, k.f32(8), 1))...); err != nil {
		t.Error(err)
	}
}
