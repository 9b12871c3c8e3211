package infer

import "fmt"

// A Rounding says by what INT8 layers multiply their integer sums, and so which
// way a result goes that lies half between two integers.
type Rounding int

const (
	// RoundNative leaves it to oneDNN, which multiplies a sum by the scale of the
	// source and then by that of the weights since 3.10, but by the product of the
	// two before that, and with AMX still. Answers then depend on the version and
	// on the CPU.
	RoundNative Rounding = iota
	// RoundPaddle has all of oneDNN's versions and kernels, and Octet's own
	// kernels, multiply by the product of the two, rounded to FP32, and a sum of
	// reals that is quantised in the same pass by the very scale of the quantize
	// layer. Real Paddle 2.6 and 3.3 do so: all integers are the same as there,
	// and with every oneDNN. It costs nothing.
	RoundPaddle
)

var roundingNames = [...]string{RoundNative: "native", RoundPaddle: "paddle"}

// String returns "native" or "paddle".
func (r Rounding) String() string {
	if r.check() != nil {
		return fmt.Sprintf("rounding %d", int(r))
	}
	return roundingNames[r]
}

// MarshalText implements encoding.TextMarshaler.
func (r Rounding) MarshalText() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return []byte(r.String()), nil
}

// UnmarshalText accepts what String returns.
func (r *Rounding) UnmarshalText(text []byte) error {
	for i, name := range roundingNames {
		if name == string(text) {
			*r = Rounding(i)
			return nil
		}
	}
	return fmt.Errorf("rounding %q: want native or paddle", text)
}

func (r Rounding) check() error {
	if r < 0 || int(r) >= len(roundingNames) {
		return fmt.Errorf("infer: option Rounding is %d: want RoundNative or RoundPaddle", int(r))
	}
	return nil
}
