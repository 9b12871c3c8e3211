package eval

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/model"
)

func TestRankAndTop(t *testing.T) {
	for _, c := range []struct {
		name string
		row  []float32
		top  []int // all classes in order
	}{
		{"falling", []float32{3, 2, 1}, []int{0, 1, 2}},
		{"rising", []float32{1, 2, 3}, []int{2, 1, 0}},
		{"equals keep their order", []float32{1, 5, 1, 5, 1}, []int{1, 3, 0, 2, 4}},
		{"one class", []float32{7}, []int{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for k := 1; k <= len(c.row)+1; k++ {
				if diff := cmp.Diff(c.top[:min(k, len(c.top))], Top(c.row, k)); diff != "" {
					t.Errorf("Top(%v, %d) (-want +got):\n%s", c.row, k, diff)
				}
			}
			for place, class := range c.top {
				if got := rank(c.row, class); got != place {
					t.Errorf("rank(%v, %d) = %d, want %d", c.row, class, got, place)
				}
			}
		})
	}
}

func TestDivergence(t *testing.T) {
	for _, c := range []struct {
		name string
		p, q []float32
		want float64
	}{
		{"equal", []float32{0.5, 0.25, 0.25}, []float32{0.5, 0.25, 0.25}, 0},
		{"by hand", []float32{0.5, 0.5}, []float32{0.25, 0.75}, 0.5*math.Log(2) + 0.5*math.Log(2.0/3)},
		{"not symmetric", []float32{0.25, 0.75}, []float32{0.5, 0.5}, 0.25*math.Log(0.5) + 0.75*math.Log(1.5)},
		{"nothing where the reference is nothing", []float32{1, 0}, []float32{0.5, 0.5}, math.Log(2)},
		{"underflow is not infinite", []float32{0.5, 0.5}, []float32{1, 0}, 0.5*math.Log(0.5) + 0.5*math.Log(0.5/smallest)},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The floor of 1e-12 shifts sums by about as much, times its logarithm.
			if got := Divergence(c.p, c.q); math.Abs(got-c.want) > 1e-10 {
				t.Errorf("Divergence(%v, %v) = %v, want %v", c.p, c.q, got, c.want)
			}
		})
	}
}

func tensor(t *testing.T, x []float32, dims ...int64) *model.Tensor {
	t.Helper()
	v, err := model.Float32Tensor(x, dims...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestProbabilities(t *testing.T) {
	label, err := model.Int64Tensor([]int64{1, 2, 3, 4}, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	loss, accuracy := tensor(t, []float32{1, 2}, 2, 1), tensor(t, []float32{0.5}, 1)
	want := []float32{0.75, 0.25, 0.5, 0.5}
	for _, c := range []struct {
		name string
		out  []*model.Tensor
		want []float32
	}{
		{"alone", []*model.Tensor{tensor(t, want, 2, 2)}, want},
		{"behind loss, accuracy and indices", []*model.Tensor{loss, accuracy, label, tensor(t, want, 2, 2)}, want},
		{"with spatial dims", []*model.Tensor{tensor(t, want, 2, 2, 1, 1)}, want},
		{"logits", []*model.Tensor{tensor(t, []float32{float32(math.Log(3)), 0, -5, -5}, 2, 2)}, want},
		{"large logits", []*model.Tensor{tensor(t, []float32{1000 + float32(math.Log(3)), 1000, 9, 9}, 2, 2)}, want},
		{"none", []*model.Tensor{loss, accuracy, label}, nil},
		{"of another batch", []*model.Tensor{tensor(t, want, 1, 4)}, nil},
		{"a map for each picture", []*model.Tensor{tensor(t, make([]float32, 16), 2, 2, 2, 2)}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, classes := Probabilities(c.out, 2)
			if (classes == 2) != (c.want != nil) || len(got) != len(c.want) {
				t.Fatalf("Probabilities gave %v of %d classes, want %v", got, classes, c.want)
			}
			for i := range got {
				// 1000+ln 3 keeps 4 digits after the point in float32.
				if math.Abs(float64(got[i]-c.want[i])) > 1e-5 {
					t.Errorf("Probabilities = %v, want %v", got, c.want)
				}
			}
		})
	}
}
