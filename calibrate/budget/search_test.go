package budget

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A model of a network, for searches without one: what each layer adds to the
// divergence in INT8, with noise that depends on the set, so that accuracy is not monotonic.
type imagined struct {
	layers []string
	harm   map[string]float64
	price  map[string]time.Duration
	noise  float64
	set    []string // last quantised
	tried  int
	seed   uint64
}

func imagine(r *rand.Rand, noise float64) *imagined {
	m := &imagined{harm: map[string]float64{}, price: map[string]time.Duration{}, noise: noise, seed: r.Uint64()}
	for i := range 2 + r.IntN(12) {
		l := fmt.Sprintf("layer%02d", i)
		m.layers = append(m.layers, l)
		m.harm[l] = r.ExpFloat64() * 1e-3
		m.price[l] = time.Duration(r.IntN(20)-2) * time.Millisecond // some cost less than nothing
	}
	return m
}

func (m *imagined) total() (sum float64) {
	for _, l := range m.layers {
		sum += m.harm[l]
	}
	return sum
}

func (m *imagined) job(l Limits) *Job {
	j := &Job{
		Graph: &graph.Graph{Inputs: []*graph.Value{{}}}, Probes: []*model.Tensor{{}}, Layers: m.layers, Limits: l, State: NewState(Keys{}),
		Quantize: func(fp32 []string) (*graph.Graph, error) {
			m.set = slices.Clone(fp32)
			return nil, nil
		},
		Price: func(context.Context, *graph.Graph) (Price, error) {
			p := Price{Base: 100 * time.Millisecond}
			for _, l := range m.set {
				p.Extra += m.price[l]
			}
			return p, nil
		},
		Evaluate: func(context.Context, *graph.Graph) (Verdict, error) {
			m.tried++
			return Verdict{Images: 1, Agree: 1, MeanKL: m.divergence(m.set)}, nil
		},
	}
	for l, kl := range m.harm {
		j.State.Sensitivities[l] = kl
	}
	return j
}

func (m *imagined) divergence(set []string) float64 {
	r := m.seed
	kl := m.total()
	for _, l := range set {
		kl -= m.harm[l]
		for _, c := range l {
			r = (r ^ uint64(c)) * 1099511628211 // FNV-1a
		}
	}
	return max(kl, 0) * (1 + m.noise*rand.New(rand.NewPCG(r, 1)).Float64())
}

// For many networks and limits: the answer keeps the limit, no part of it that was
// evaluated does, and nothing that was evaluated and keeps it is cheaper.
func TestAnswerIsLeast(t *testing.T) {
	reached := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 9))
		m := imagine(r, float64(seed%3)*0.3)
		state := (*State)(nil)
		for _, share := range []float64{1.5, 0.9, 0.5, 0.2, 0.02, 0} {
			j := m.job(Limits{MaxKL: ptr(m.total() * share)})
			if state != nil {
				j.State = state // limits share what is known
			}
			state = j.State
			got, err := Find(t.Context(), j)
			if errors.Is(err, ErrNotReached) == (err == nil) || got == nil || got.Met != (err == nil) {
				t.Fatalf("seed %d, share %g: error %v, result %+v", seed, share, err, got)
			}
			if got.Met {
				reached++
				checkLeast(t, j, got)
			}
			if share >= 0.2 && m.noise == 0 && len(m.layers) > 9 && !got.Met {
				t.Errorf("seed %d: a fifth of the divergence was not reached with %d layers", seed, len(m.layers))
			}
		}
	}
	if reached < 900 {
		t.Errorf("%d of 1800 limits were reached: too few to show anything", reached)
	}
}

func checkLeast(t *testing.T, j *Job, got *Result) {
	t.Helper()
	if !j.Limits.Met(got.Verdict) {
		t.Errorf("%+v does not keep the limits", got)
	}
	names := got.Names()
	for _, e := range j.State.Evaluations {
		if !j.Limits.Met(e.Verdict) || slices.Equal(e.FP32, names) {
			continue
		}
		part := !slices.ContainsFunc(e.FP32, func(l string) bool { return !slices.Contains(names, l) })
		if part || j.pricing().of(e.FP32) < j.pricing().of(names) {
			t.Errorf("%q keeps the limits too, the answer is %q", e.FP32, names)
		}
	}
	for _, l := range names { // every layer is needed
		if v, known := j.State.verdict(without(names, l)); !known || j.Limits.Met(v) {
			t.Errorf("%q without %q: known %v, %+v", names, l, known, v)
		}
	}
}

// One layer that does nearly all the harm is found whatever it costs.
func TestDearLayer(t *testing.T) {
	for _, price := range []time.Duration{0, time.Millisecond, time.Hour} {
		m := imagine(rand.New(rand.NewPCG(1, 1)), 0)
		m.harm[m.layers[1]], m.price[m.layers[1]] = 1, price
		got, err := Find(t.Context(), m.job(Limits{MaxKL: ptr(0.5)}))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{m.layers[1]}, got.Names()); diff != "" {
			t.Errorf("price %v (-want +got):\n%s", price, diff)
		}
	}
}

// Of two layers with the same effect the cheaper is left in FP32.
func TestPriceDecides(t *testing.T) {
	m := &imagined{layers: []string{"a", "b", "c"}, harm: map[string]float64{"a": 1, "b": 1, "c": 0.1}}
	for _, cheap := range []string{"a", "b"} {
		m.price = map[string]time.Duration{"a": 9 * time.Millisecond, "b": 9 * time.Millisecond, "c": 9 * time.Millisecond, cheap: time.Millisecond}
		got, err := Find(t.Context(), m.job(Limits{MaxKL: ptr(1.5)}))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{cheap}, got.Names()); diff != "" {
			t.Errorf("layers (-want +got):\n%s", diff)
		}
	}
}

// A search that is killed at any of its saves, again and again, and goes on from the file
// ends with the same bytes, and evaluates nothing twice.
func TestSearchResumes(t *testing.T) {
	deaths := 0
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 7))
		m := imagine(r, 0.3)
		limits := Limits{MaxKL: ptr(m.total() * 0.3)}
		whole := m.job(limits)
		saves := 0
		whole.Changed = func(*State) error { saves++; return nil }
		if _, err := Find(t.Context(), whole); err != nil && !errors.Is(err, ErrNotReached) {
			t.Fatal(err)
		}
		want, _ := text(whole.State)
		evaluated := m.tried
		m.tried = 0
		saved, _ := text(m.job(limits).State)
		for err := errKilled; errors.Is(err, errKilled); {
			j := m.job(limits)
			var bad error
			if j.State, bad = ParseState(saved); bad != nil {
				t.Fatal(bad)
			}
			j.Changed = killAfter(1+r.IntN(saves), &saved)
			if _, err = Find(t.Context(), j); errors.Is(err, errKilled) {
				deaths++
			}
		}
		if diff := cmp.Diff(string(want), string(saved)); diff != "" || m.tried != evaluated {
			t.Errorf("seed %d: %d evaluations, %d in one go; state (-in one go +resumed):\n%s", seed, m.tried, evaluated, diff)
		}
	}
	if deaths < 100 {
		t.Errorf("killed %d times: too few to show anything", deaths)
	}
}

func TestBadJobs(t *testing.T) {
	for _, c := range []struct {
		name string
		l    Limits
	}{
		{"no limit", Limits{}},
		{"less than no drop", Limits{MaxDrop: ptr(-0.1)}},
		{"more agreement than all", Limits{MinAgreement: ptr(101)}},
	} {
		m := imagine(rand.New(rand.NewPCG(1, 1)), 0)
		if r, err := Find(t.Context(), m.job(c.l)); !errors.Is(err, calibrate.ErrOptions) || m.tried > 0 {
			t.Errorf("%s: %+v, error %v, want ErrOptions before anything is run", c.name, r, err)
		}
	}
	for layers := range 2 { // nothing can be left in FP32
		m := &imagined{layers: []string{"a"}[:layers], harm: map[string]float64{"a": 1}, seed: 1}
		j := m.job(Limits{MaxKL: ptr(0)})
		j.Evaluate = func(context.Context, *graph.Graph) (Verdict, error) { return Verdict{Images: 1, MeanKL: 1}, nil }
		if r, err := Find(t.Context(), j); !errors.Is(err, ErrNotReached) || len(r.Layers) > 0 {
			t.Errorf("%d layers: %+v, %v, want ErrNotReached", layers, r, err)
		}
	}
}
