package calibrate

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// distance returns the mean square difference of what two graphs give.
func distance(t *testing.T, a, b *graph.Graph, batches [][]*model.Tensor) float64 {
	t.Helper()
	sum, n := 0.0, 0
	for _, in := range batches {
		x, err := runReference(a, in)
		if err != nil {
			t.Fatal(err)
		}
		y, err := runReference(b, in)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range a.Outputs {
			for j, v := range x[o.Value].Data {
				d := v - y[b.Outputs[i].Value].Data[j]
				sum += d * d
				n++
			}
		}
	}
	return sum / float64(n)
}

// Refined nets are nearer to FP32, on images that calibration did not see.
func TestRefineBringsNearer(t *testing.T) {
	for name := range nets {
		t.Run(name, func(t *testing.T) {
			samples := images(t, 1, 4, 8)
			fresh := images(t, 2, 2, 8)
			var q [2]*graph.Graph
			for i, refine := range []bool{false, true} {
				// The averages are FP32 in both: it is the weights that are compared.
				c := newTestCalibrator(t, name, Options{Refine: refine})
				sampleAll(t, c, samples)
				var err error
				if q[i], err = c.INT8Graph(); err != nil {
					t.Fatal(err)
				}
				if err := graph.Check(q[i]); err != nil {
					t.Fatal(err)
				}
			}
			real := nets[name](t)
			plain, refined := distance(t, real, q[0], fresh), distance(t, real, q[1], fresh)
			t.Logf("mean square error %.5g plain, %.5g refined", plain, refined)
			if refined >= plain {
				t.Errorf("mean square error %.5g plain, %.5g refined: want less", plain, refined)
			}
		})
	}
}

// The weights of a refined net are whole numbers of steps, one step or a few
// beside the FP32 ones, and two runs give the same.
func TestRefinedWeights(t *testing.T) {
	for name := range nets {
		t.Run(name, func(t *testing.T) {
			var runs [2]*graph.Graph
			for i := range runs {
				c := newTestCalibrator(t, name, Options{Refine: true})
				sampleAll(t, c, images(t, 1, 1, 2))
				var err error
				if runs[i], err = c.INT8Graph(); err != nil {
					t.Fatal(err)
				}
			}
			for i, l := range runs[0].Layers {
				axis, rank := channelAxis(l.Op)
				var q *graph.Int8
				switch op := l.Op.(type) {
				case *graph.Conv:
					q = op.Int8
				case *graph.FC:
					q = op.Int8
				}
				if rank == 0 || q == nil {
					continue
				}
				ints, err := graph.QuantizeWeights(l.In[1].Const, q.ScaleWeights, axis)
				if err != nil {
					t.Fatal(err)
				}
				inner := 1
				for _, d := range l.In[1].Const.Dims[axis+1:] {
					inner *= int(d)
				}
				for j, w := range l.In[1].Const.Float32s() {
					s := q.ScaleWeights[j/inner%len(q.ScaleWeights)]
					if off := math.Abs(float64(w*s) - float64(ints[j])); off > 1e-4 { // roundings of two float32
						t.Fatalf("weight %d of %s is %g steps", j, l.Name, w*s)
					}
				}
				for _, k := range []int{1, 2} {
					if diff := cmp.Diff(l.In[k].Const.Data, runs[1].Layers[i].In[k].Const.Data); diff != "" {
						t.Errorf("input %d of %s differs between two runs", k, l.Name)
					}
				}
			}
		})
	}
}

func TestRefineRefusesCompat(t *testing.T) {
	_, err := New(asModel(t, "resnet"), Options{Refine: true, Compat: Paddle13, Runner: newRefRunner(refRunner{}, nil)})
	if !errors.Is(err, ErrOptions) {
		t.Errorf("got %v: want ErrOptions", err)
	}
}

// descend finds the best integers of small problems, by trying all near ones.
func TestDescendAgainstAll(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	worse, total := 0, 0.0
	const problems, k = 50, 4
	for range problems {
		rows := make([]float64, 40*k)
		for i := range rows {
			rows[i] = r.NormFloat64()
			if i%k > 0 {
				rows[i] += 2 * rows[i-i%k] // correlated, as channels are
			}
		}
		m := make([]float32, k*k)
		for i := range 40 {
			for a := range k {
				for b := range k {
					m[a*k+b] += float32(rows[i*k+a] * rows[i*k+b])
				}
			}
		}
		d := newQuadratic(k, m)
		x, q := make([]float64, k), make([]float64, k)
		for i := range x {
			x[i] = 20 * r.NormFloat64()
			q[i] = math.RoundToEven(x[i])
		}
		nearest := d.measure(x, q)
		d.descend(x, q, anyInt8)
		got := d.measure(x, q)
		best := nearest
		for code := range 625 {
			try := make([]float64, k)
			for i, c := 0, code; i < k; i, c = i+1, c/5 {
				try[i] = math.RoundToEven(x[i]) + float64(c%5-2)
			}
			best = min(best, d.measure(x, try))
		}
		if got > nearest*(1+1e-9) { // rounding of float64 sums
			t.Errorf("x %v: %.6g after descending, %.6g nearest", x, got, nearest)
		}
		if got > best*(1+1e-9) {
			worse++
		}
		total += (got - best) / (nearest - best + 1e-12)
	}
	// It is a local search: nearly all of what there is to gain, most of the time.
	if worse > problems/2 || total/problems > 0.25 {
		t.Errorf("%d of %d problems are not solved, %.2f of the gain is missing on average", worse, problems, total/problems)
	}
}

func (d quadratic) measure(x, q []float64) (sum float64) {
	for i := range x {
		for j := range x {
			m := float64(d.m[i*d.k+j])
			if i == j {
				m += d.damp
			}
			sum += (q[i] - x[i]) * m * (q[j] - x[j])
		}
	}
	return sum
}
