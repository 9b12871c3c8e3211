package infer

import (
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

// needExactINT8 skips where the CPU sums pairs of INT8 products in 16 bits and
// saturates: results then differ from exact arithmetic.
func needExactINT8(t testing.TB) {
	if !dnnl.EffectiveCPUISA().HasVNNI() {
		t.Skipf("SKIP-HARDWARE: %v has no VNNI, INT8 sums may saturate", dnnl.EffectiveCPUISA())
	}
}
