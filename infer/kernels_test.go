package infer

import (
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/model"
)

// TestNoReferenceKernels checks that oneDNN runs no layer of the networks that
// matter on a slow reference implementation, which it chooses without an error.
func TestNoReferenceKernels(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP-SHORT: packs the weights of ResNet-50")
	}
	for name, m := range map[string]*model.Model{"resnet50": nets.ResNet50(1), "mobilenet_v1": nets.MobileNetV1(1)} {
		t.Run(name+"/fp32", func(t *testing.T) {
			x, err := model.Float32Tensor(make([]float32, 3*224*224), 1, 3, 224, 224)
			if err != nil {
				t.Fatal(err)
			}
			p, err := NewPredictor(m, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			noReference(t, p, []*model.Tensor{x})
		})
	}
	for _, name := range []string{"resnet", "mobilenet"} {
		t.Run(name+"/int8", func(t *testing.T) {
			m, err := model.Load(filepath.Join("..", "testdata", "demo", name))
			if err != nil {
				t.Fatal(err)
			}
			in, _ := demoInputs(t, m, 48)
			g := quantised(t, m, in, calibrate.Options{})
			p, err := Compile(g, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			noReference(t, p, in)
		})
	}
}

func noReference(t *testing.T, p *Predictor, in []*model.Tensor) {
	t.Helper()
	kernels, err := p.Kernels(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kernels {
		if k.Reference {
			t.Errorf("%s %q runs on %s", k.Kind, k.Layer, k.Impl)
		}
	}
}
