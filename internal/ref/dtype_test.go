package ref

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRound(t *testing.T) {
	for _, test := range []struct {
		dt       DType
		in, want float64
	}{
		{U8, 0.5, 0}, {U8, 1.5, 2}, {U8, 254.5, 254}, {U8, -3, 0}, {U8, 1e9, 255}, {U8, math.NaN(), 0},
		{S8, -0.5, 0}, {S8, -1.5, -2}, {S8, 127.5, 127}, {S8, -128.6, -128}, {S8, math.Inf(-1), -128},
		{S32, 16777217.5, 16777218}, {S32, 1e10, math.MaxInt32},
		{F32, 1 + 0x1p-24, 1}, {F32, 1 + 0x1.8p-24, 1 + 0x1p-23},
		// bf16 keeps 8 bits: 1+2^-8 is a tie and goes to the even 1, 1+3*2^-8 to 1+2^-6.
		{BF16, 1 + 0x1p-8, 1}, {BF16, 1 + 0x3p-8, 1 + 0x1p-6}, {BF16, -1 - 0x1.01p-8, -1 - 0x1p-7}, {BF16, math.Inf(1), math.Inf(1)},
	} {
		if got := test.dt.Round(test.in); got != test.want {
			t.Errorf("%v.Round(%v) = %v, want %v", test.dt, test.in, got, test.want)
		}
	}
	if got := BF16.Round(math.NaN()); !math.IsNaN(got) {
		t.Errorf("bf16 of NaN is %v", got)
	}
}

func TestBytes(t *testing.T) {
	for _, dt := range []DType{F32, BF16, S32, S8, U8} {
		x := tensor(t, dt, []int{2, 2}, 1, 200, -3, 0)
		y := NewTensor(dt, 2, 2)
		if err := y.SetBytes(x.Bytes()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(x.Data, y.Data); diff != "" {
			t.Errorf("%v: bytes and back (-want +got):\n%s", dt, diff)
		}
		if name, err := ParseDType(dt.String()); name != dt || err != nil {
			t.Errorf("ParseDType(%q) = %v, %v", dt, name, err)
		}
	}
	if got := tensor(t, BF16, []int{1}, -2).Bytes(); got[0] != 0x00 || got[1] != 0xc0 {
		t.Errorf("bf16 -2 is % x, want 00 c0", got)
	}
}
