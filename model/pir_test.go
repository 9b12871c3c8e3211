package model

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/internal/refdata"
)

// pirModels are all PIR programs of the test material, written by Paddle 3.3.
func pirModels(t testing.TB) []string {
	var out []string
	for _, sub := range []string{"paddle/fixtures/paddle33", "realmodels"} {
		for _, pattern := range []string{"*/m.json", "*/pir/model.json"} {
			files, err := filepath.Glob(filepath.Join(refdata.Path(t, sub), filepath.FromSlash(pattern)))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, files...)
		}
	}
	if len(out) < 59 {
		t.Fatalf("only %d PIR programs", len(out))
	}
	return out
}

// TestPIRProgramsComeBack loads every PIR program of Paddle, saves and loads it
// again: the same program, the same bytes from then on.
func TestPIRProgramsComeBack(t *testing.T) {
	for _, file := range pirModels(t) {
		m, err := Load(file)
		if err != nil {
			t.Errorf("Load: %v", err)
			continue
		}
		if m.Source == nil || m.Source.Form != FormPIR || m.Source.PIRVersion != 4 {
			t.Errorf("%s: source %+v, want PIR of version 4", file, m.Source)
		}
		first := mustEncodePIR(t, m.Program)
		again, _, err := decodePIR(first, defaultLimits(t))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if !again.Equal(m.Program) {
			t.Errorf("%s: comes back as another program (-was +is):\n%s", file, cmp.Diff(m.Program.Blocks[0], again.Blocks[0]))
		}
		if second := mustEncodePIR(t, again); !bytes.Equal(first, second) {
			t.Errorf("%s: the second saving differs from the first", file)
		}
	}
}

func mustEncodePIR(t testing.TB, p *Program) []byte {
	t.Helper()
	b, err := encodePIR(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func defaultLimits(t testing.TB) Limits {
	t.Helper()
	lim, err := Limits{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return lim
}

// TestPIRMeansTheSame compares what is read from PIR with what Paddle 2.6
// wrote for the same network: the same operators with the same attributes,
// where neither side has its own ways.
func TestPIRMeansTheSame(t *testing.T) {
	root := refdata.Path(t, "paddle/fixtures")
	for _, name := range []string{
		"op_conv_asym_pad", "op_conv_grouped", "op_conv_same", "op_maxpool_ceil", "op_avgpool_inclusive", "op_batch_norm", "op_softmax_axis1",
		"op_hard_sigmoid", "op_leaky_relu", "op_interp_nearest", "op_split_c", "op_transpose_nhwc", "op_topk", "op_mean_hw", "op_matmul_ty",
	} {
		t.Run(name, func(t *testing.T) {
			var ops [2]map[string]map[string]any
			for i, dir := range []string{"paddle26", "paddle33"} {
				m := mustLoad(t, filepath.Join(root, dir, name))
				ops[i] = make(map[string]map[string]any)
				for _, o := range m.Program.Blocks[0].Ops {
					if o.Type != feedOp && o.Type != fetchOp && o.Type != "scale" { // 2.6 puts a scale before every fetch
						ops[i][o.Type] = attrsThatMatter(o)
						delete(ops[i]["reshape2"], "shape") // of a bias: 2.6 writes the size, 3.3 -1
					}
				}
			}
			if diff := cmp.Diff(ops[0], ops[1]); diff != "" {
				t.Errorf("operators (-2.6 +3.3):\n%s", diff)
			}
		})
	}
}

func attrsThatMatter(o *Op) map[string]any {
	out := make(map[string]any)
	for _, a := range o.Attrs {
		if !idleAttrs[a.Name] && !neutral(o.Type, &a) {
			out[a.Name] = loose(a.Value)
		}
	}
	return out
}

// TestParametersSurviveEveryForm writes models of every era in every form and
// back: the bytes of the parameters stay what they are, and so do inputs and
// outputs.
func TestParametersSurviveEveryForm(t *testing.T) {
	root := refdata.Path(t, "paddle/fixtures")
	for _, dir := range []string{
		"legacy/tiny_inception/separate", "legacy/tiny_resnet_label/combined", "paddle26/net_tiny_mobilenet_v3ish",
		"paddle33/net_tiny_resnet_label", "paddle33/net_tiny_inception", "qdq",
	} {
		m := mustLoad(t, filepath.Join(root, filepath.FromSlash(dir)))
		all := append(slices.Clone(forms), formCase{"pir", FormPIR, "out/net"})
		for _, a := range all {
			first := through(t, m, a)
			for _, b := range all {
				second := through(t, first, b)
				if second.Source.Form != b.form {
					t.Errorf("%s as %s: loaded as %v", dir, b.name, second.Source.Form)
				}
				if diff := cmp.Diff(m.Params, second.Params); diff != "" {
					t.Errorf("%s as %s and %s: parameters differ:\n%s", dir, a.name, b.name, diff)
				}
				if diff := cmp.Diff(m.Program.Feeds(), second.Program.Feeds()); diff != "" {
					t.Errorf("%s as %s and %s: inputs differ:\n%s", dir, a.name, b.name, diff)
				}
				if diff := cmp.Diff(m.Program.Fetches(), second.Program.Fetches()); diff != "" {
					t.Errorf("%s as %s and %s: outputs differ:\n%s", dir, a.name, b.name, diff)
				}
				if a.form != FormPIR && b.form != FormPIR && !m.Equal(second) {
					t.Errorf("%s as %s and %s: another program", dir, a.name, b.name)
				}
			}
		}
	}
}

// through saves m in a form and loads it.
func through(t testing.TB, m *Model, f formCase) *Model {
	t.Helper()
	out := filepath.Join(t.TempDir(), filepath.FromSlash(f.path))
	if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := Save(m, out, WithForm(f.form)); err != nil {
		t.Fatal(err)
	}
	return mustLoad(t, out)
}
