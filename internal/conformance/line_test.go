package conformance

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/internal/ref"
)

func TestExpand(t *testing.T) {
	for _, test := range []struct {
		in   string
		want []string
	}{
		{"a b", []string{"a b"}},
		{"a={1,2} b={x,y}", []string{"a=1 b=x", "a=1 b=y", "a=2 b=x", "a=2 b=y"}},
		{"p{,:1}", []string{"p", "p:1"}},
		{"a{1", nil},
		{"a}1", nil},
		{"{a{b}}", nil},
	} {
		got, err := Expand(test.in)
		if diff := cmp.Diff(test.want, got); diff != "" || (err != nil) != (test.want == nil) {
			t.Errorf("%q: error %v (-want +got)\n%s", test.in, err, diff)
		}
	}
}

// TestBuild checks that the words of a case end where they should.
func TestBuild(t *testing.T) {
	p, err := Build("conv src=u8:2x6x9x9 wei=4 g=2 k=3x3 s=2x1 d=1x0 p=1x2:0x1 dst=s8 scales=src:0:0.5,wei:3,dst:0 zp=src:0:7"+
		" post=sum:0.5:3:u8,clip:-1:2,add:s8:2 bias=s32 stag=acdb", Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := p.Op.(*ref.Convolution)
	// Heights (9+1-5)/2+1 = 3; widths 9+2+1-3+1 = 10.
	got := []string{c.Src.String(), c.Weights.String(), c.Bias.String(), c.Dst.String(), c.Attr.PostOps[2].(ref.BinaryPostOp).Src1.String()}
	if diff := cmp.Diff([]string{"u8:2x6x9x9", "s8:2x2x3x3x3", "s32:4", "s8:2x4x3x10", "s8:1x4x1x1"}, got); diff != "" {
		t.Errorf("tensors (-want +got):\n%s", diff)
	}
	geometry := [][]int{c.Strides, c.Dilations, c.PadL, c.PadR}
	if diff := cmp.Diff([][]int{{2, 1}, {1, 0}, {1, 2}, {0, 1}}, geometry); diff != "" {
		t.Errorf("geometry (-want +got):\n%s", diff)
	}
	if got := c.Attr.Scales; got[ref.ArgSrc].Values[0] != 0.5 || len(got[ref.ArgWeights].Values) != 4 || got[ref.ArgWeights].Mask != 3 {
		t.Errorf("scales %v", got)
	}
	if got := c.Attr.ZeroPoints[ref.ArgSrc].Values; len(got) != 1 || got[0] != 7 {
		t.Errorf("zero point %v", got)
	}
	posts := []ref.PostOp{ref.SumPostOp{Scale: 0.5, ZeroPoint: 3, As: ref.U8}, ref.EltwisePostOp{Alg: ref.Clip, Alpha: -1, Beta: 2}}
	if diff := cmp.Diff(posts, c.Attr.PostOps[:2]); diff != "" {
		t.Errorf("post-ops (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[ref.Arg]string{ref.ArgSrc: "acdb", ref.ArgWeights: "any", ref.ArgDst: "any"}, p.Tags); diff != "" {
		t.Errorf("layouts (-want +got):\n%s", diff)
	}
}

// TestBuildOwn checks what the kinds of Octet's own kernels have beside others.
func TestBuildOwn(t *testing.T) {
	for line, want := range map[string]Own{
		"dw src=u8:1x5x9x9 k=3x3 dst=u8 threads=2": {Kernel: "octet_dw:avx512_core_vnni", Threads: 2},
		"stem src=s8:1x3x9x9 wei=4 by=amx":         {Kernel: "octet_stem:avx512_core_amx", Threads: 1},
		"stem_f32 src=f32:1x3x9x9 wei=4 refused":   {Kernel: "octet_stem_f32:avx512_core", Refused: true, Threads: 1},
		"smallmap src=f32:1x16x9x9 wei=32":         {Kernel: "octet_smallmap:avx512_core", Threads: 1},
		"lanes src=f32:2x5 rounds=3":               {Threads: 1},
	} {
		p, err := Build(line, Options{})
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if diff := cmp.Diff(&want, p.Own); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
	p, err := Build("stem src=s8:1x3x9x9 wei=4 k=3x3 p=1x1 dst=u8 picture=f32 shift", Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := p.Op.(*ref.Stem)
	got := []string{s.Picture.String(), s.Conv.Src.String(), s.Padded().Src.String()}
	if diff := cmp.Diff([]string{"f32:1x3x9x9", "s8:1x3x9x9", "s8:1x3x11x11"}, got); diff != "" || len(s.Shift) != 3 {
		t.Errorf("%d shifts, tensors (-want +got):\n%s", len(s.Shift), diff)
	}
}

func TestBadCases(t *testing.T) {
	for line, want := range map[string]string{
		"":                                         "empty",
		"convolve src=f32:1x1x1x1":                 "unknown kind",
		"conv src=f32:1x1x1x1 wei=1 kernel=3x3":    "no field kernel",
		"conv src=f32:1x1x1x1 wei=1 k=3x3":         "dst dims",
		"conv src=f32:1x1x1x1 wei=1 k=3":           "want 2 numbers",
		"conv src=f64:1x1x1x1 wei=1":               "element type",
		"conv src=f32:1x1x1x1 wei=x":               "no size",
		"conv src=f32:1x4x1x1 wei=4 g=3":           "groups",
		"conv src=f32:1x1x1x1 src=f32:1 wei=1":     "twice",
		"conv src=f32:1x1x1x1 wei=1 scales=foo":    "argument:mask",
		"conv src=f32:1x1x1x1 wei=1 zp=src:16":     "mask of 4 dims",
		"conv src=f32:1x1x1x1 wei=1 post=rleu":     "unknown post-op",
		"conv src=f32:1x1x1x1 wei=1 post=dw:f32":   "want dw:TYPE:STRIDE",
		"eltwise src=f32:99999x99999":              "2^26",
		"concat src=f32:1x2 axis=2":                "axis 2",
		"reduction src=f32:1x2 axes=3":             "axis 3",
		"eltwise src=f32:1x2 seed=x":               "seed",
		"conv src=f32:1x1x1x1 wei=1 refused":       "no field refused",
		"dw src=u8:4x4":                            "four dims",
		"smallmap src=f32:1x1x1x1 wei=1 threads=0": "one at least",
		"stem src=s8:1x1x1x1 wei=1 picture=s32":    "want a picture",
		"lanes src=f32:1x2x3":                      "LANESxWIDTH",
	} {
		if _, err := Build(line, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", line, err, want)
		}
	}
}
