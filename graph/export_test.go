package graph

import (
	"fmt"
	"hash/maphash"
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/model"
)

var seed = maphash.MakeSeed()

// describe spells out everything a graph holds, constants by a hash.
func describe(g *Graph) []string {
	name := func(v *Value) string {
		switch {
		case v == nil:
			return "-"
		case v.Const != nil:
			return fmt.Sprintf("%s:%v%v#%x", v.Name, v.DType, v.Dims, maphash.Bytes(seed, v.Const.Data))
		}
		return fmt.Sprintf("%s:%v", v.Name, v.DType)
	}
	var lines []string
	for _, v := range g.Inputs {
		lines = append(lines, fmt.Sprintf("input %s %v", name(v), v.Dims))
	}
	for _, l := range g.Layers {
		line := fmt.Sprintf("%s %q %+v", l.Op.Kind(), l.Name, l.Op)
		switch op := l.Op.(type) {
		case *Conv:
			line = fmt.Sprintf("conv %q %v %v %v %v %d %v %+v", l.Name, op.Strides, op.Dilations, op.Pads, op.PadMode, op.Groups, op.Act, op.Int8)
		case *FC:
			line = fmt.Sprintf("fc %q %d %v %+v", l.Name, op.NumColDims, op.Act, op.Int8)
		}
		for _, v := range l.In {
			line += " <" + name(v)
		}
		for _, v := range l.Out {
			line += " >" + name(v)
		}
		lines = append(lines, line)
	}
	for _, o := range g.Outputs {
		lines = append(lines, fmt.Sprintf("output %q %s", o.Name, name(o.Value)))
	}
	return lines
}

// roundTrip exports g, imports that again and compares.
func roundTrip(t *testing.T, g *Graph, form Form) {
	t.Helper()
	before := describe(g)
	m, err := ToModel(g, form)
	if err != nil {
		t.Fatalf("%v: %v", form, err)
	}
	again, err := Build(m)
	if err != nil {
		t.Fatalf("%v: import of the exported program: %v", form, err)
	}
	if diff := cmp.Diff(before, describe(again)); diff != "" {
		t.Errorf("%v: the graph does not survive export and import (-before +after):\n%s", form, diff)
	}
	if diff := cmp.Diff(before, describe(g)); diff != "" {
		t.Errorf("%v: export changed the graph (-before +after):\n%s", form, diff)
	}
}

// TestRoundTrip exports every fixture and real model in both forms.
func TestRoundTrip(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			g, err := Build(f.load(t))
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, g, FormFused)
			roundTrip(t, g, FormV13)
		})
	}
	for _, dir := range []string{"resnet50/fluid", "resnet50/pdmodel", "mobilenet_v1_x0_75/fluid"} {
		t.Run(dir, func(t *testing.T) {
			m, err := model.Load(filepath.Join(refdata.Path(t, "realmodels"), filepath.FromSlash(dir)))
			if err != nil {
				t.Skipf("SKIP-NODATA: %v", err)
			}
			g, err := Build(m)
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, g, FormFused)
			roundTrip(t, g, FormV13)
		})
	}
}
