package infer

import (
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/smallnets"
)

// TestIntegersStay checks that gates, sums, dense blocks, channel shuffles and
// doubled maps run from integers to integers: once quantised behind the first
// convolution, no map is converted again.
func TestIntegersStay(t *testing.T) {
	for _, name := range []string{"gates", "dense", "shuffle", "pyramid", "bottleneck", "inception"} {
		t.Run(name, func(t *testing.T) {
			m, err := graph.ToModel(smallnets.All()[name](t), graph.FormFused)
			if err != nil {
				t.Fatal(err)
			}
			in, _ := demoInputs(t, m, 16)
			g := quantised(t, m, in, calibrate.Options{INT8AveragePool: true})
			p, err := Compile(g, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			kernels, err := p.Kernels(in)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, k := range kernels {
				if k.Kind == "dequantize" || k.Kind == "quantize" {
					seen[k.Layer] = true
				}
				if k.Reference {
					t.Errorf("%s %q runs on %s", k.Kind, k.Layer, k.Impl)
				}
			}
			delete(seen, "quantize_0_tmp")
			if name == "gates" { // what is added to a gated map: see lightReaders
				delete(seen, "dequantize_1_tmp")
			}
			if len(seen) > 0 {
				t.Errorf("converted: %v\n%v", seen, g)
			}
		})
	}
}
