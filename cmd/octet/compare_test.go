package main

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

// A protected model gives the same INT8 tensors with and without VNNI, and that
// is proved for each of its output channels.
func TestCompareProtected(t *testing.T) {
	if !dnnl.EffectiveCPUISA().HasVNNI() || dnnl.EffectiveCPUISA() < dnnl.ISAAVX512CoreVNNI {
		t.Skipf("SKIP-HARDWARE: %v has no AVX-512 VNNI", dnnl.EffectiveCPUISA())
	}
	t.Setenv(runMain, "1") // the processes that compare starts are this test
	for name, dir := range map[string]string{"resnet": resnetDir, "mobilenet": mobilenetDir} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "int8")
			mustOctet(t, "calibrate", dir, "-o", out, "--data", dataDir, "--list", "train_list.txt", "--samples", "16", "--protect")
			var c comparison
			text := mustOctet(t, "compare", out, "--data", dataDir, "--samples", "4", "--json")
			if err := json.Unmarshal([]byte(text), &c); err != nil {
				t.Fatal(err)
			}
			if len(c.Proofs) == 0 || len(c.Tensors) == 0 {
				t.Fatalf("nothing compared: %s", text)
			}
			for _, p := range c.Proofs {
				if p.Unsafe > 0 {
					t.Errorf("%d of %d channels of %s are not proved", p.Unsafe, p.Channels, p.Layer)
				}
			}
			for _, d := range c.Tensors {
				if d.Different > 0 {
					t.Errorf("%s differs in %d of %d bytes, by up to %d", d.Name, d.Different, d.Bytes, d.Largest)
				}
			}
		})
	}
}

func TestCompareRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"one instruction set": {"compare", resnetDir, "--isa", "AVX2", "--data", dataDir},
		"negative samples":    {"compare", resnetDir, "--samples", "-1", "--data", dataDir},
	} {
		t.Run(name, func(t *testing.T) {
			if o := octet(t, args...); o.code != exitBadInput {
				t.Errorf("exit %d: want %d\n%s", o.code, exitBadInput, o.stderr)
			}
		})
	}
}
