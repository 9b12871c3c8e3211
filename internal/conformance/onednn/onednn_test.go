package onednn

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/internal/conformance"
)

var (
	oneCase = flag.String("case", "", "run this one case only")
	threads = flag.Int("threads", 1, "OpenMP threads of oneDNN")
	summary string
)

// TestMain prints the count last, where a reader and make look for it.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if summary != "" {
		fmt.Println(summary)
	}
	os.Exit(code)
}

// TestConformance runs every case of the suite on oneDNN.
func TestConformance(t *testing.T) {
	runtime.LockOSThread() // the number of threads belongs to this one
	defer runtime.UnlockOSThread()
	dnnl.SetNumThreads(*threads)
	live := dnnl.Live()
	b, err := New()
	if err != nil {
		t.Fatal(err)
	}
	suite := conformance.Suite{Backend: b, Options: options(), Reproduce: reproducer, MaySkip: maySkip}
	cases, err := conformance.Cases()
	if err != nil {
		t.Fatal(err)
	}
	if *oneCase != "" {
		cases = []conformance.Case{{Name: "case", Line: *oneCase}}
	}
	sum := suite.Run(t, cases)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if now := dnnl.Live(); now != live {
		t.Errorf("%d oneDNN objects leaked", now-live)
	}
	isa := dnnl.EffectiveCPUISA()
	t.Logf("oneDNN %v, %v, %d cases by reference kernels of oneDNN:\n%s",
		dnnl.LibraryVersion(), isa, len(sum.Slow), strings.Join(sum.Slow, "\n"))
	summary = sum.String()
}

// options: without VNNI, pairs of products of u8 and 8-bit weights saturate at
// 16 bits; 7-bit weights cannot.
func options() conformance.Options {
	if isa := dnnl.EffectiveCPUISA(); !isa.HasVNNI() {
		return conformance.Options{WeightLimit: 63}
	}
	return conformance.Options{}
}

func reproducer(line string) string {
	env := ""
	if v := os.Getenv("ONEDNN_MAX_CPU_ISA"); v != "" {
		env = "ONEDNN_MAX_CPU_ISA=" + v + " "
	}
	return fmt.Sprintf("%sgo test ./internal/conformance/onednn -count=1 -run TestConformance -threads %d -case '%s'", env, *threads, line)
}

// maySkip excuses what oneDNN documents as beyond the machine: bf16 needs
// AVX-512.
func maySkip(line string, _ error) string {
	isa := dnnl.EffectiveCPUISA()
	if strings.Contains(line, "bf16") && isa&dnnl.ISAAVX512Core != dnnl.ISAAVX512Core {
		return "bf16 on " + isa.String()
	}
	return ""
}
