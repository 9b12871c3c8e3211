//go:build !cgo

package dnnl_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

// Without cgo the package builds and says why it cannot do anything.
func TestWithoutCgo(t *testing.T) {
	_, engine := dnnl.NewEngine()
	_, desc := dnnl.NewDesc([]int{1, 4}, dnnl.F32, dnnl.NC)
	_, buffer := dnnl.NewBuffer(64)
	for name, err := range map[string]error{"engine": engine, "desc": desc, "buffer": buffer} {
		if !errors.Is(err, dnnl.ErrNoCgo) || !strings.Contains(err.Error(), "CGO_ENABLED=1") {
			t.Errorf("%s: got %v, want ErrNoCgo and the remedy", name, err)
		}
	}
	if dnnl.SetNumThreads(1) || dnnl.Live() != 0 {
		t.Error("something works without cgo")
	}
}
