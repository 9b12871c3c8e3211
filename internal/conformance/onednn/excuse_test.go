package onednn

import (
	"cmp"
	"errors"
	"regexp"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/internal/conformance"
)

// A flaw is something that oneDNN cannot do, or does wrongly.
type flaw struct {
	reason string
	line   *regexp.Regexp
	kind   error                             // ErrUnsupported, ErrMismatch, or nil for any
	here   func(dnnl.Version, dnnl.ISA) bool // whether this library and CPU have it
}

// flaws are all that the suite found, on versions 3.2, 3.11 and 3.13 and under
// every cap on the instructions that an AVX-512 CPU allows. A case has to fail
// before one of them excuses it.
var flaws = []flaw{
	{
		"SKIP-HARDWARE: no AMX", regexp.MustCompile(`^stem .*by=amx`), conformance.ErrUnsupported, without(dnnl.ISAAVX512CoreAMX),
	},
	{
		"SKIP-HARDWARE: no AVX-512 VNNI", regexp.MustCompile(`^(dw|stem) `), conformance.ErrUnsupported, without(dnnl.ISAAVX512CoreVNNI),
	},
	{
		"SKIP-HARDWARE: no AVX-512", regexp.MustCompile(`^(smallmap|stem_f32) `), conformance.ErrUnsupported, without(dnnl.ISAAVX512Core),
	},
	{
		"bf16 needs AVX-512", regexp.MustCompile(`bf16`), conformance.ErrUnsupported,
		func(_ dnnl.Version, isa dnnl.ISA) bool { return isa&dnnl.ISAAVX512Core != dnnl.ISAAVX512Core },
	},
	{
		// Asked to choose, oneDNN 3.13 takes src acdb with weights bcda, whose
		// channels and pixels are in another order; with src abcd, or weights
		// cdba, the same primitive is right.
		"AVX2: wrong layouts of u8 inner products with spatial dims", regexp.MustCompile(`^ip src=u8:\d+x\d+x`), conformance.ErrMismatch,
		func(_ dnnl.Version, isa dnnl.ISA) bool { return isa == dnnl.ISAAVX2 },
	},
	{
		"before 3.13: oneDNN issue 5080, columns in the padding", regexp.MustCompile(`^conv src=s8:1x1x32x64`), conformance.ErrMismatch,
		before(3, 13),
	},
	{
		"before 3.11: no scaled dw post-op", regexp.MustCompile(`^conv .*dw-wei:`), conformance.ErrUnsupported, before(3, 11),
	},
	{
		"before 3.11: no clip of 8-bit integers", regexp.MustCompile(`^eltwise src=[su]8:.* alg=clip`), nil, before(3, 11),
	},
	{
		"before 3.11: no 8-bit pooling to f32", regexp.MustCompile(`^pool src=[su]8:.* dst=f32`), conformance.ErrUnsupported, before(3, 11),
	},
	{
		"before 3.11: softmax sums in bf16", regexp.MustCompile(`^softmax src=bf16:`), conformance.ErrMismatch, before(3, 11),
	},
}

func without(isa dnnl.ISA) func(dnnl.Version, dnnl.ISA) bool {
	return func(_ dnnl.Version, has dnnl.ISA) bool { return has&isa != isa }
}

func before(major, minor int) func(dnnl.Version, dnnl.ISA) bool {
	return func(v dnnl.Version, _ dnnl.ISA) bool {
		return cmp.Or(cmp.Compare(v.Major, major), cmp.Compare(v.Minor, minor)) < 0
	}
}

// excuse returns the flaw that explains a failed case, "" for none.
func excuse(line string, _ *conformance.Result, err error) string {
	for _, f := range flaws {
		if f.line.MatchString(line) && (f.kind == nil || errors.Is(err, f.kind)) && f.here(dnnl.LibraryVersion(), dnnl.EffectiveCPUISA()) {
			return f.reason
		}
	}
	return ""
}
