package graph

import (
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/model"
)

// census counts what a fused network consists of.
func census(g *Graph) map[string]int {
	n := make(map[string]int)
	for _, l := range g.Layers {
		n[l.Op.Kind()]++
		switch op := l.Op.(type) {
		case *Conv:
			if l.In[3] != nil {
				n["conv with residual"]++
			}
			if op.Act.Kind != ActNone {
				n["conv with activation"]++
			}
			if l.In[2] == nil {
				n["conv without bias"]++
			}
		case *Pool:
			if op.Type == MaxPool {
				n["max pool"]++
			}
		case *FC:
			if l.In[2] == nil {
				n["fc without bias"]++
			}
		}
	}
	return n
}

// TestRealModelsFuse checks that the real networks come out fully fused: what
// is left of ResNet-50 and MobileNet-V1 is what their papers draw.
func TestRealModelsFuse(t *testing.T) {
	resnet := map[string]int{
		"conv": 53, "conv with residual": 16, "conv with activation": 49,
		"pool": 2, "max pool": 1, "fc": 1, "softmax": 1,
	}
	mobilenet := map[string]int{"conv": 27, "conv with activation": 27, "pool": 1, "fc": 1, "softmax": 1}
	tail := map[string]int{"cross_entropy": 1, "reduce_mean": 1, "top_k": 2, "accuracy": 2}
	for _, tt := range []struct {
		dir       string
		net, tail map[string]int
	}{
		{"resnet50/fluid", resnet, tail},
		{"resnet50/pdmodel", resnet, nil},
		{"resnet50/pir", resnet, nil},
		{"mobilenet_v1_x0_75/fluid", mobilenet, tail},
		{"mobilenet_v1_x0_75/pdmodel", mobilenet, nil},
		{"mobilenet_v1_x0_75/pir", mobilenet, nil},
	} {
		t.Run(tt.dir, func(t *testing.T) {
			dir := filepath.Join(refdata.Path(t, "realmodels"), filepath.FromSlash(tt.dir))
			m, err := model.Load(dir)
			if err != nil {
				t.Skipf("SKIP-NODATA: %v", err)
			}
			g, err := Build(m)
			if err != nil {
				t.Fatal(err)
			}
			want := make(map[string]int)
			for _, part := range []map[string]int{tt.net, tt.tail} {
				for k, n := range part {
					want[k] = n
				}
			}
			if diff := cmp.Diff(want, census(g)); diff != "" {
				t.Errorf("layers (-want +got):\n%s", diff)
			}
		})
	}
}
