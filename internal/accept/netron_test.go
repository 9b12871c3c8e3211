package accept

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
	"github.com/octet-dnn/octet/onnx"
)

// TestNetron writes the demo's models in every form and encoding and opens them
// with Netron's readers: every tensor must have a type and a shape.
func TestNetron(t *testing.T) {
	netron := pythonOf(t, "OCTET_NETRON", "SKIP-NONETRON")
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("OCTET_REQUIRE") != "" {
			t.Fatal("no node to run Netron's modules")
		}
		t.Skip("SKIP-NONETRON: no node to run Netron's modules")
	}
	opened := 0
	demoSubjects(t, 20, func(t *testing.T, s *subject) {
		files := s.writeAll(t)
		text, err := exec.CommandContext(t.Context(), "node", append([]string{"../../testdata/written/netron_check.mjs", netron}, files...)...).CombinedOutput()
		fmt.Printf("%s", text)
		if err != nil {
			t.Errorf("%v: not all tensors have a type and a shape", err)
			return
		}
		opened += len(files)
	})
	if t.Failed() {
		return
	}
	fmt.Printf("%d files open in Netron, every tensor with type and shape\n", opened)
}

// writeAll writes s in FP32 and in INT8, in every form, and returns what Netron
// opens.
func (s *subject) writeAll(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	var files []string
	save := func(m *model.Model, name string, form model.Form) {
		t.Helper()
		out := filepath.Join(dir, s.name+"-"+name)
		if err := model.Save(m, out, model.WithForm(form)); err != nil {
			t.Fatal(err)
		}
		file := map[model.Form]string{model.FormCombined: "/__model__", model.FormPdModel: ".pdmodel", model.FormPIR: ".json"}[form]
		files = append(files, out+file)
	}
	save(s.model, "fluid", model.FormCombined)
	save(s.model, "fp32", model.FormPdModel)
	save(s.model, "pir", model.FormPIR)
	int8, err := s.calibrated(t, calibrate.Options{Algorithm: calibrate.KL}).INT8Graph()
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []graph.Form{graph.FormFused, graph.FormV13, graph.FormQDQ} {
		m, err := graph.ToModel(int8, form)
		if err != nil {
			t.Fatal(err)
		}
		save(m, form.String(), model.FormPdModel)
		save(m, form.String()+"-fluid", model.FormCombined)
	}
	fp32, err := graph.Build(s.model)
	if err != nil {
		t.Fatal(err)
	}
	for name, g := range map[string]*graph.Graph{"fp32": fp32, "int8": int8} {
		file := filepath.Join(dir, s.name+"-"+name+".onnx")
		if err := onnx.Save(g, file); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}
