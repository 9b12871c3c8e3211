package onednn

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/internal/conformance"
	"github.com/octet-dnn/octet/internal/ref"
)

// TestPairSaturation holds that ref.PairSaturatedDot is what oneDNN computes
// without VNNI, with weights of the whole range. The cap on the instructions
// holds for a process, so the test runs itself again under it.
func TestPairSaturation(t *testing.T) {
	const isaCap = "ONEDNN_MAX_CPU_ISA"
	if os.Getenv(isaCap) == "AVX512_CORE" {
		pairSaturation(t)
		return
	}
	if isa := dnnl.EffectiveCPUISA(); isa&dnnl.ISAAVX512Core != dnnl.ISAAVX512Core {
		t.Skipf("needs AVX-512, this is %v", isa)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestPairSaturation$", "-test.v")
	cmd.Env = append(os.Environ(), isaCap+"=AVX512_CORE")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestPairSaturation") {
		t.Errorf("%s=AVX512_CORE: %v\n%s", isaCap, err, out)
	}
	t.Logf("%s", out)
}

func pairSaturation(t *testing.T) {
	b, err := New(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"conv src=u8:1x64x7x7 wei=32 dst=s32",
		"conv src=u8:1x64x7x7 wei=32 k=3x3 p=1x1 dst=s32",
		"conv src=u8:1x19x7x7 wei=32 k=3x3 p=1x1 dst=s32",
	} {
		p, err := conformance.Build(line, conformance.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.Run(p)
		if err != nil {
			t.Fatal(err)
		}
		c := p.Op.(*ref.Convolution)
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		exact := slices.Clone(c.Dst.Data)
		c.Dot = ref.PairSaturatedDot
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		wrong, saturated := 0, 0
		for i, v := range c.Dst.Data {
			if v != exact[i] {
				saturated++
			}
			if v != got.Dst.Data[i] {
				wrong++
			}
		}
		t.Logf("%s by %s: %d of %d results saturate", line, got.Impl, saturated, len(exact))
		if wrong > 0 || saturated == 0 {
			t.Errorf("%s by %s: %d of %d differ from the model, %d saturate", line, got.Impl, wrong, len(exact), saturated)
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
