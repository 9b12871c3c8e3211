package budget

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/graph"
)

func text(s *State) ([]byte, error) {
	var b bytes.Buffer
	_, err := s.WriteTo(&b)
	return b.Bytes(), err
}

// One channel of a layer is 4000 times as large as the others: the layer that reads it
// is the one to leave in FP32, and no other.
func TestFindsBadLayer(t *testing.T) {
	for _, c := range []struct{ net, bad, reader string }{
		{"resnet", "a_1", "a_sum"},
		{"bottleneck", "", ""},
	} {
		t.Run(c.net+"/"+c.reader, func(t *testing.T) {
			f := newFixture(t, c.net, func(g *graph.Graph) {
				if c.bad != "" {
					spoil(t, g, c.bad, c.reader)
				}
			})
			r, err := Find(t.Context(), f.job(t, Limits{MaxKL: ptr(0.01)}))
			if err != nil {
				t.Fatal(err)
			}
			want := []string{}
			if c.bad != "" {
				want = []string{c.reader}
			}
			if diff := cmp.Diff(want, r.Names()); diff != "" {
				t.Errorf("layers (-want +got):\n%s\n%+v", diff, r)
			}
			if !r.Met || r.Verdict.MeanKL > 0.01 || r.All.MeanKL <= 0.01 != (c.bad == "") {
				t.Errorf("%+v: want the limit kept, and missed with all layers in INT8 exactly where one is bad", r)
			}
		})
	}
}

// What is run from activations that were kept is what the whole network gives from
// the pixels on, and a search that was killed goes on to the same bits.
func TestSensitivities(t *testing.T) {
	for _, name := range []string{"resnet", "inception", "shuffle", "gates"} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, name, nil)
			j := f.job(t, Limits{})
			if err := j.sensitivities(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, layer := range j.Layers {
				g, err := f.quantize(without(j.Layers, layer))
				if err != nil {
					t.Fatal(err)
				}
				v, err := f.evaluate(t)(t.Context(), g)
				if err != nil {
					t.Fatal(err)
				}
				// Values are kept as float32, with 24 bits; the divergence is a small difference of such.
				if got := j.State.Sensitivities[layer]; math.Abs(got-v.MeanKL) > 1e-7+1e-3*v.MeanKL || got <= 0 {
					t.Errorf("layer %q: sensitivity %g, from the pixels on %g", layer, got, v.MeanKL)
				}
			}
			var saved []byte
			killed := f.job(t, Limits{})
			killed.Changed = killAfter(len(j.Layers)/2, &saved)
			if err := killed.sensitivities(t.Context()); !errors.Is(err, errKilled) {
				t.Fatalf("error %v, want it killed", err)
			}
			resumed := f.job(t, Limits{})
			var err error
			if resumed.State, err = ParseState(saved); err != nil {
				t.Fatal(err)
			}
			if err := resumed.sensitivities(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(j.State, resumed.State); diff != "" {
				t.Errorf("state (-in one go +resumed):\n%s", diff)
			}
		})
	}
}

func TestNoProbabilities(t *testing.T) {
	f := newFixture(t, "pyramid", nil)
	if err := f.job(t, Limits{}).sensitivities(t.Context()); !errors.Is(err, ErrModel) {
		t.Errorf("error %v, want ErrModel", err)
	}
}
