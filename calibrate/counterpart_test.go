package calibrate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

func mustMatch(t *testing.T, g, q *graph.Graph) []Counterpart {
	t.Helper()
	rows, err := Match(g, q)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestMatchIsWhole: whatever the options do to a graph, every layer of both
// graphs has one row, and every real tensor something to compare it with.
func TestMatchIsWhole(t *testing.T) {
	for name, build := range nets {
		for _, o := range allOptions() {
			t.Run(name+" "+describe(o), func(t *testing.T) {
				g := build(t)
				q := mustQuantize(t, g, tableFor(g, 1), o)
				var reals, ints []string
				for _, r := range mustMatch(t, g, q) {
					if r.Real != nil {
						reals = append(reals, r.Real.Name)
						if r.Value == nil && r.Real.Out[0].DType == model.FP32 {
							t.Errorf("nothing to compare %q with", r.Real.Name)
						}
					}
					for _, l := range r.Int8 {
						ints = append(ints, l.Name)
					}
					if r.Copy != nil && (r.Scale > 0) != (r.Copy.DType != model.FP32) {
						t.Errorf("%q: %v with scale %v", r.Copy.Name, r.Copy.DType, r.Scale)
					}
				}
				if want := layerNames(g); !slices.Equal(reals, want) {
					t.Errorf("rows of %v, want %v", reals, want)
				}
				slices.Sort(ints)
				if want := layerNames(q); !slices.Equal(ints, slices.Sorted(slices.Values(want))) {
					t.Errorf("INT8 layers %v, want %v", ints, want)
				}
			})
		}
	}
}

func layerNames(g *graph.Graph) (names []string) {
	for _, l := range g.Layers {
		names = append(names, l.Name)
	}
	return names
}

// TestMatchOfSaved: a copy that was saved and loaded has the rows of the one in memory.
func TestMatchOfSaved(t *testing.T) {
	for name, build := range nets {
		for _, form := range []graph.Form{graph.FormFused, graph.FormV13, graph.FormQDQ} {
			t.Run(fmt.Sprint(name, " ", form), func(t *testing.T) {
				g := build(t)
				q := mustQuantize(t, g, tableFor(g, 1), Options{})
				m, err := graph.ToModel(q, form)
				if err != nil {
					t.Fatal(err)
				}
				saved, err := graph.Build(m)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(rowsOf(mustMatch(t, g, q)), rowsOf(mustMatch(t, g, saved))); diff != "" {
					t.Errorf("in memory (-), saved (+):\n%s", diff)
				}
			})
		}
	}
}

// rowsOf writes rows as "real layer: kind kind … = tensor type".
func rowsOf(rows []Counterpart) (list []string) {
	for _, r := range rows {
		var b strings.Builder
		if r.Real != nil {
			b.WriteString(r.Real.Name)
		}
		b.WriteString(":")
		for _, l := range r.Int8 {
			fmt.Fprintf(&b, " %s", l.Op.Kind())
		}
		if r.Copy != nil {
			fmt.Fprintf(&b, " = %s %v up to %d", r.Value.Name, r.Copy.DType, r.Top)
		}
		list = append(list, b.String())
	}
	return list
}

// projectionRows: the first convolution stays FP32, and the residual sum of
// the projection shortcut leaves its convolution.
var projectionRows = []string{
	"conv1: conv quantize = conv1 uint8 up to 255",
	"pool1: pool = pool1 uint8 up to 255",
	"a_shortcut: conv = a_shortcut float32 up to 0",
	"a_1: conv = a_1 uint8 up to 255",
	"a_sum: conv binary quantize = a_sum uint8 up to 255",
	"b_1: conv = b_1 uint8 up to 255",
	"b_sum: conv dequantize = b_sum uint8 up to 255",
	"avg: pool quantize = avg uint8 up to 255",
	"fc: fc = fc float32 up to 0",
	"prob: softmax = prob float32 up to 0",
}

func TestMatchOfProjection(t *testing.T) {
	g := nets["resnet"](t)
	got := rowsOf(mustMatch(t, g, mustQuantize(t, g, equalThresholds(g), Options{})))
	if diff := cmp.Diff(projectionRows, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}
