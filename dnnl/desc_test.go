//go:build cgo

package dnnl_test

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/dnnl"
)

func TestDescSaysWhatItIs(t *testing.T) {
	tests := []struct {
		name    string
		dims    []int
		dt      dnnl.DataType
		tag     dnnl.Tag
		text    string
		strides []int
		size    int
	}{
		{"channels first", []int{2, 3, 4, 5}, dnnl.F32, dnnl.NCHW, "f32 2x3x4x5 abcd", []int{60, 20, 5, 1}, 480},
		{"channels last", []int{2, 3, 4, 5}, dnnl.U8, dnnl.NHWC, "u8 2x3x4x5 acdb", []int{60, 1, 15, 3}, 120},
		{"one image", []int{1, 3, 4, 5}, dnnl.S8, dnnl.NHWC, "s8 1x3x4x5 acdb", []int{60, 1, 15, 3}, 60},
		{"weights hwio", []int{8, 3, 2, 2}, dnnl.S8, dnnl.HWIO, "s8 8x3x2x2 cdba", []int{1, 8, 48, 24}, 96},
		{"groups", []int{2, 4, 3, 2, 2}, dnnl.BF16, dnnl.GOIHW, "bf16 2x4x3x2x2 abcde", []int{48, 12, 4, 2, 1}, 192},
		{"blocked, padded", []int{2, 17, 4, 5}, dnnl.F32, dnnl.NCHW16c, "f32 2x17x4x5 aBcd16b", nil, 2 * 32 * 20 * 4},
		{"blocked weights", []int{32, 16, 3, 3}, dnnl.F32, dnnl.OIHW16i16o, "f32 32x16x3x3 ABcd16b16a", nil, 32 * 16 * 9 * 4},
		{"open", []int{2, 3, 4, 5}, dnnl.F32, dnnl.Any, "f32 2x3x4x5 any", nil, 0},
		{"empty batch", []int{0, 3}, dnnl.F32, dnnl.NC, "f32 0x3 ab", []int{3, 1}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t).desc(tt.dims, tt.dt, tt.tag)
			if d.String() != tt.text {
				t.Errorf("String: got %q, want %q", d, tt.text)
			}
			if diff := cmp.Diff(tt.dims, d.Dims()); diff != "" {
				t.Errorf("Dims (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.strides, d.Strides()); diff != "" {
				t.Errorf("Strides (-want +got):\n%s", diff)
			}
			if d.Size() != tt.size || d.DataType() != tt.dt {
				t.Errorf("got %d bytes of %v, want %d of %v", d.Size(), d.DataType(), tt.size, tt.dt)
			}
		})
	}
}

func TestDescDerived(t *testing.T) {
	k := open(t)
	base := k.desc([]int{2, 8, 4, 5}, dnnl.F32, dnnl.NHWC)
	tests := []struct {
		name    string
		derive  func() (*dnnl.Desc, error)
		text    string
		strides []int
	}{
		{"submemory", func() (*dnnl.Desc, error) { return base.Submemory([]int{2, 3, 4, 5}, []int{0, 2, 0, 0}) },
			"f32 2x3x4x5 acdb strides 160x1x40x8 offset 2", []int{160, 1, 40, 8}},
		{"permute to nhwc order", func() (*dnnl.Desc, error) { return base.Permute([]int{0, 3, 1, 2}) },
			"f32 2x4x5x8 abcd", []int{160, 40, 8, 1}},
		{"reshape to a matrix", func() (*dnnl.Desc, error) {
			nc := k.f32(2, 8, 1, 1)
			return nc.Reshape([]int{2, 8})
		}, "f32 2x8 ab", []int{8, 1}},
		{"clone", base.Clone, "f32 2x8x4x5 acdb", []int{160, 1, 40, 8}},
		{"gaps", func() (*dnnl.Desc, error) { return dnnl.NewStridedDesc([]int{2, 3}, []int{10, 1}, dnnl.F32) },
			"f32 2x3 ab strides 10x1", []int{10, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := must(k, tt.derive)
			if d.String() != tt.text {
				t.Errorf("String: got %q, want %q", d, tt.text)
			}
			if diff := cmp.Diff(tt.strides, d.Strides()); diff != "" {
				t.Errorf("Strides (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDescRefuses(t *testing.T) {
	k := open(t)
	base := k.desc([]int{2, 8, 4, 5}, dnnl.F32, dnnl.NHWC)
	tests := []struct {
		name string
		make func() (*dnnl.Desc, error)
	}{
		{"no dimensions", func() (*dnnl.Desc, error) { return dnnl.NewDesc(nil, dnnl.F32, dnnl.A) }},
		{"too many dimensions", func() (*dnnl.Desc, error) { return dnnl.NewDesc(make([]int, 13), dnnl.F32, dnnl.Any) }},
		{"negative dimension", func() (*dnnl.Desc, error) { return dnnl.NewDesc([]int{2, -1}, dnnl.F32, dnnl.AB) }},
		{"overflow", func() (*dnnl.Desc, error) { return dnnl.NewDesc([]int{1 << 31, 1 << 31}, dnnl.F32, dnnl.AB) }},
		{"unknown type", func() (*dnnl.Desc, error) { return dnnl.NewDesc([]int{2, 1}, 77, dnnl.AB) }},
		{"tag of another rank", func() (*dnnl.Desc, error) { return dnnl.NewDesc([]int{2, 1}, dnnl.F32, dnnl.NCHW) }},
		{"unknown tag", func() (*dnnl.Desc, error) { return dnnl.NewDesc([]int{2, 1}, dnnl.F32, 1<<20) }},
		{"strides missing", func() (*dnnl.Desc, error) { return dnnl.NewStridedDesc([]int{2, 3}, []int{1}, dnnl.F32) }},
		{"negative stride", func() (*dnnl.Desc, error) { return dnnl.NewStridedDesc([]int{2, 3}, []int{-3, 1}, dnnl.F32) }},
		{"stride overflow", func() (*dnnl.Desc, error) {
			return dnnl.NewStridedDesc([]int{3, 3}, []int{math.MaxInt / 2, 1}, dnnl.F32)
		}},
		{"box outside", func() (*dnnl.Desc, error) { return base.Submemory([]int{2, 3, 4, 5}, []int{0, 6, 0, 0}) }},
		{"box offset overflow", func() (*dnnl.Desc, error) {
			return base.Submemory([]int{2, 3, 4, 5}, []int{0, math.MaxInt, 0, 0})
		}},
		{"box of another rank", func() (*dnnl.Desc, error) { return base.Submemory([]int{2}, []int{0}) }},
		{"axes twice", func() (*dnnl.Desc, error) { return base.Permute([]int{0, 1, 1, 2}) }},
		{"axes missing", func() (*dnnl.Desc, error) { return base.Permute([]int{0, 1}) }},
		{"other element count", func() (*dnnl.Desc, error) { return base.Reshape([]int{7}) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := tt.make()
			if err == nil {
				d.Close()
				t.Fatalf("got %s, want an error", d)
			}
			if !errors.Is(err, dnnl.ErrInvalidArguments) {
				t.Errorf("got %v, want ErrInvalidArguments", err)
			}
		})
	}
}

func TestDescEqual(t *testing.T) {
	k := open(t)
	a := k.desc([]int{2, 8, 4, 5}, dnnl.F32, dnnl.NHWC)
	same := k.desc([]int{2, 8, 4, 5}, dnnl.F32, dnnl.NHWC)
	for name, other := range map[string]*dnnl.Desc{
		"layout": k.desc([]int{2, 8, 4, 5}, dnnl.F32, dnnl.NCHW),
		"type":   k.desc([]int{2, 8, 4, 5}, dnnl.S32, dnnl.NHWC),
		"dims":   k.desc([]int{2, 8, 5, 4}, dnnl.F32, dnnl.NHWC),
		"nil":    nil,
	} {
		if a.Equal(other) {
			t.Errorf("equal in spite of another %s", name)
		}
	}
	if !a.Equal(same) || !a.Equal(a) {
		t.Error("not equal to the same descriptor")
	}
	same.Close()
	if a.Equal(same) {
		t.Error("equal to a closed descriptor")
	}
	if _, err := same.Clone(); !errors.Is(err, dnnl.ErrClosed) {
		t.Errorf("Clone of a closed descriptor: got %v, want ErrClosed", err)
	}
	if got := same.String(); got != "f32 2x8x4x5 acdb" {
		t.Errorf("String after Close: %q", got)
	}
}
