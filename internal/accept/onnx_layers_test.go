package accept

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/integers"
	"github.com/octet-dnn/octet/onnx"
)

const (
	// layerTies is the share of the integers of a network that may differ, by one,
	// where ONNX Runtime runs each layer with Octet's integers going in. What remains
	// are ties: FP32 sums added up in another order, and scales multiplied in another,
	// fall on the other side of a half. 2.3e-6 was measured with MobileNet-V1, 1.6e-6
	// with ResNet-50.
	layerTies = 1e-5
	// tensorTies is that of one tensor: the worst was 6.6e-6. A single bias that
	// int32 cannot hold moves 1e-2.
	tensorTies = 1e-4
	// layerPictures is how many pictures run.
	layerPictures = 8
)

// TestONNXLayers runs INT8 models that were written as ONNX layer by layer in
// ONNX Runtime, each layer with the integers that Octet gives it, and counts the
// integers that are not Octet's. Whole networks say less: one integer that falls
// on the other side of a tie in front moves a fifth of those at the end.
func TestONNXLayers(t *testing.T) {
	python := pythonOf(t, "OCTET_ORT", "SKIP-NOORT")
	var different, all int64
	subjects(t, layerPictures, layerPictures, func(t *testing.T, s *subject) {
		g, err := s.calibrated(t, calibrate.Options{Algorithm: calibrate.KL}).INT8Graph()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		file, record, out := filepath.Join(dir, "m.onnx"), filepath.Join(dir, "record"), filepath.Join(dir, "out")
		if err := onnx.Save(g, file); err != nil {
			t.Fatal(err)
		}
		rounded := onnx.RoundBiases(g)
		s.record(t, rounded, record)
		text := runScript(t, python, "ort_layers.py", file, record, s.file, s.shape(), out)
		var list []integers.Difference
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		d, n := judgeLayers(t, list)
		octet := s.octetRuns(t, rounded)
		l := s.compare(octet, readRows(t, out, len(octet)))
		fmt.Printf("%s, INT8, each layer with Octet's integers: %d of %d integers differ; answers: %v\n", s.name, d, n, l)
		if l.cosine < 1-ortTol {
			t.Errorf("the answers from Octet's last integers have cosine %.7f", l.cosine)
		}
		different, all = different+d, all+n
	})
	fmt.Printf("layers in ONNX Runtime with Octet's integers: %d of %d integers differ, by 1\n", different, all)
}

// judgeLayers sums up the tensors of a network.
func judgeLayers(t *testing.T, list []integers.Difference) (different, all int64) {
	t.Helper()
	for _, d := range list {
		different, all = different+d.Different, all+d.Bytes
		// One tie is more than the share of a small tensor.
		if d.Largest > 1 || d.Different > 1 && float64(d.Different) > tensorTies*float64(d.Bytes) {
			t.Errorf("%s: %d of %d integers differ, by %d at most", d.Name, d.Different, d.Bytes, d.Largest)
		}
	}
	if float64(different) > layerTies*float64(all) {
		t.Errorf("%d of %d integers differ: want %v of them at most", different, all, layerTies)
	}
	return different, all
}

// record runs the pictures and writes all INT8 tensors to a file.
func (s *subject) record(t *testing.T, g *graph.Graph, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := integers.NewRecorder(g, f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Run(t.Context(), s.inputs(t, s.model)); err != nil {
		t.Fatal(err)
	}
}
