package onednn

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/internal/conformance"
)

var (
	oneCase = flag.String("case", "", "run this one case only")
	threads = flag.Int("threads", 1, "OpenMP threads of cases that do not say")
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
	live := dnnl.Live()
	b, err := New(*threads)
	if err != nil {
		t.Fatal(err)
	}
	suite := conformance.Suite{Backend: b, Options: options(), Reproduce: reproducer, Excuse: excuse}
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

// options says whether this CPU, or the cap on its instructions, lacks VNNI.
func options() conformance.Options {
	return conformance.Options{PairSaturation: !dnnl.EffectiveCPUISA().HasVNNI()}
}

func reproducer(line string) string {
	env := ""
	if v := os.Getenv("ONEDNN_MAX_CPU_ISA"); v != "" {
		env = "ONEDNN_MAX_CPU_ISA=" + v + " "
	}
	return fmt.Sprintf("%sgo test ./internal/conformance/onednn -count=1 -run TestConformance -threads %d -case '%s'", env, *threads, line)
}
