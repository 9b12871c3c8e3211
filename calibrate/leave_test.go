package calibrate

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/graph"
)

// integersIn returns the layers of an INT8 graph that are INT8, as the FP32
// graph calls them, by their weights.
func integersIn(g *graph.Graph) (names []string) {
	for _, l := range weighted(g) {
		if annotationOf(l.Op) != nil {
			names = append(names, l.In[1].Name)
		}
	}
	return names
}

// Every layer of every network can be left FP32, with the others as they were,
// and the weights that refinement found for them.
func TestLeaveFP32(t *testing.T) {
	for name := range nets {
		for _, refine := range []bool{false, true} {
			c := newTestCalibrator(t, name, Options{Refine: refine})
			sampleAll(t, c, images(t, 1, 1, 2))
			whole, err := c.INT8Graph()
			if err != nil {
				t.Fatal(err)
			}
			layers, all := c.Layers(), integersIn(whole)
			if len(layers) != len(all) {
				t.Fatalf("%s: Layers gives %q, INT8 are those with the weights %q", name, layers, all)
			}
			for i, layer := range layers {
				if err := c.LeaveFP32(layer); err != nil {
					t.Fatal(err)
				}
				q, err := c.INT8Graph()
				if err != nil {
					t.Fatal(err)
				}
				if err := graph.Check(q); err != nil {
					t.Errorf("%s without %s: %v", name, layer, err)
				}
				if diff := cmp.Diff(slices.Delete(slices.Clone(all), i, i+1), integersIn(q)); diff != "" {
					t.Errorf("%s without %s: INT8 (-want +got):\n%s", name, layer, diff)
				}
				for j, l := range weighted(q) {
					same := cmp.Equal(l.In[1].Const.Data, weighted(whole)[j].In[1].Const.Data)
					if annotationOf(l.Op) != nil && !same {
						t.Errorf("%s without %s: the weights of %s are others", name, layer, l.Name)
					}
				}
			}
			if err := c.LeaveFP32(); err != nil {
				t.Fatal(err)
			}
			again, err := c.INT8Graph()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(all, integersIn(again)); diff != "" {
				t.Errorf("%s: INT8 once nothing is left FP32 (-want +got):\n%s", name, diff)
			}
		}
	}
}

// A network with all its layers left FP32 computes what the FP32 one computes.
func TestLeaveAllFP32(t *testing.T) {
	for name := range nets {
		c := newTestCalibrator(t, name, Options{})
		sampleAll(t, c, images(t, 1, 1, 2))
		if err := c.LeaveFP32(c.Layers()...); err != nil {
			t.Fatal(err)
		}
		q, err := c.INT8Graph()
		if err != nil {
			t.Fatal(err)
		}
		// Norms that became products and sums round their last bit otherwise.
		if d := distance(t, nets[name](t), q, images(t, 2, 1, 2)); d > 1e-12 {
			t.Errorf("%s: mean square distance %g from FP32, want at most 1e-12", name, d)
		}
	}
}

func TestLeaveUnknownLayer(t *testing.T) {
	o := Options{FP32Layers: []string{"nowhere"}, Runner: newRefRunner(refRunner{}, nil)}
	if _, err := New(asModel(t, "resnet"), o); !errors.Is(err, ErrOptions) {
		t.Errorf("New: %v, want ErrOptions", err)
	}
	c := newTestCalibrator(t, "resnet", Options{})
	sampleAll(t, c, images(t, 1, 1, 2))
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Apply(asModel(t, "resnet"), table, o); !errors.Is(err, ErrOptions) {
		t.Errorf("Apply: %v, want ErrOptions", err)
	}
	if err := c.LeaveFP32("conv9"); !errors.Is(err, ErrOptions) {
		t.Errorf("LeaveFP32: %v, want ErrOptions", err)
	}
}
