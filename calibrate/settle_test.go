package calibrate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A bias that is wrong is put right: the answers for other images come nearer than they
// were, and to where they are with the right one.
func TestSettleFindsShifts(t *testing.T) {
	c := newTestCalibrator(t, "mobilenet", Options{Refine: true, FirstConvINT8: true})
	sampleAll(t, c, images(t, 1, 4, 8))
	q, err := c.INT8Graph()
	if err != nil {
		t.Fatal(err)
	}
	fresh, real := images(t, 2, 2, 8), nets["mobilenet"](t)
	right := distance(t, real, q, fresh)
	wrong := copyGraph(q)
	for i, l := range weighted(wrong) {
		bias := slices.Clone(l.In[2].Const.Float32s())
		for j := range bias {
			bias[j] += 0.05 * float32((i+j)%3-1)
		}
		if l.In[2], err = constant(l.In[2].Name, bias, l.In[2].Dims...); err != nil {
			t.Fatal(err)
		}
	}
	before := distance(t, real, wrong, fresh)
	if err := c.settle(wrong); err != nil {
		t.Fatal(err)
	}
	after := distance(t, real, wrong, fresh)
	t.Logf("mean square error %.3g with the right biases, %.3g with wrong ones, %.3g when settled", right, before, after)
	if before < 10*right || after > 2*right {
		t.Error("want a hundredth of the error that wrong biases cause, or what there was without")
	}
}

// Where no image is left to judge by, or what is found makes answers worse, biases stay.
func TestSettleOnlyForTheBetter(t *testing.T) {
	c := newTestCalibrator(t, "mobilenet", Options{Refine: true})
	sampleAll(t, c, images(t, 1, 1, 8)) // one batch of the album
	q, err := c.INT8Graph()
	if err != nil {
		t.Fatal(err)
	}
	t1, err := c.currentTable()
	if err != nil {
		t.Fatal(err)
	}
	refined, err := c.refine(t1)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range weighted(refined) {
		if !slices.Equal(l.In[2].Const.Data, weighted(q)[i].In[2].Const.Data) {
			t.Errorf("layer %q was settled by 8 images, and none to judge by", l.Name)
		}
	}
	if nearer([]float64{1, 1, 1}, []float64{0.5, 0.9, 2.3}) || !nearer([]float64{1, 1, 1}, []float64{0.5, 0.9, 2.1}) {
		t.Error("answers come nearer where the product of the ratios is below 1")
	}
}

// Of shifts that are chance nothing is believed, on average, and of those that are not all.
func TestCorrectedByMoreThanChance(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n, count = 100, 400
	truth := make([]float64, count)
	want, none, some := newChannels(&graph.Conv{}), newChannels(&graph.Conv{}), newChannels(&graph.Conv{})
	for i := range truth {
		truth[i] = r.NormFloat64()
	}
	for range n {
		a, b, c := make([]float32, count), make([]float32, count), make([]float32, count)
		for i := range a {
			a[i] = float32(r.NormFloat64())
			b[i] = a[i] + float32(r.NormFloat64())
			c[i] = b[i] + float32(truth[i])
		}
		want.add(a, []int{1, count})
		none.add(b, []int{1, count})
		some.add(c, []int{1, count})
	}
	size := func(bias []float32, from []float64) (sum float64) {
		for i, v := range bias {
			d := float64(v) + from[i]
			sum += d * d / count
		}
		return sum
	}
	zero := make([]float32, count)
	// The chance of a mean of 100 is a hundredth; of a false truth as much as its sampling error, a seventh of that.
	if got := size(want.corrected(zero, none), make([]float64, count)); got > 0.01/7 {
		t.Errorf("corrected by %v on average, for nothing", got)
	}
	// An estimate with chance v of a truth of variance 1 errs by v/(1+v).
	if got := size(want.corrected(zero, some), truth); math.Abs(got-0.01) > 0.003 {
		t.Errorf("what is left of shifts of 1 is %v: want 0.01", got)
	}
	if got := want.corrected(zero, &channels{means: want.means, elements: 1, active: want.active}); !slices.Equal(got, zero) {
		t.Error("corrected what is right")
	}
}

// Parts of different pictures have different sizes.
func TestCommonDims(t *testing.T) {
	of := func(dims ...int64) map[string]*model.Tensor { return map[string]*model.Tensor{"x": {Dims: dims}} }
	got := commonDims([]map[string]*model.Tensor{of(16, 3, 8, 9), of(4, 3, 8, 7)}, "x")
	if want := []int64{-1, 3, 8, -1}; !slices.Equal(got, want) {
		t.Errorf("dims %v, want %v", got, want)
	}
}
