package eval

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// With labels and without, a network compared with one that is wrong elsewhere.
func TestReference(t *testing.T) {
	const classes = 8
	grey := []int{0, 1, 2, 3, 4, 5}
	labels := []int{0, 1, 2, 3, 5, 6} // four are right; the last two are one beside
	for _, labelled := range []bool{true, false} {
		given := labels
		if !labelled {
			given = nil
		}
		loader := loader(t, pictures(t, grey, given), preset())
		net := func(f fake) *Net { return &Net{Name: "fake", Program: program(true, false), Runner: f, Loader: loader} }
		heard := 0
		r, err := NewReference(t.Context(), net(fake{classes: classes}), func(n int) { heard += n })
		if err != nil {
			t.Fatal(err)
		}
		if r.Images() != len(grey) || heard != len(grey) {
			t.Errorf("labelled %v: %d pictures, %d heard, want %d", labelled, r.Images(), heard, len(grey))
		}
		same, err := r.Compare(t.Context(), net(fake{classes: classes}), nil)
		if err != nil {
			t.Fatal(err)
		}
		want := Paired{Images: 6, Agree: 6}
		if labelled {
			want.Labelled, want.FP32Right, want.INT8Right = true, 4, 4
		}
		if diff := cmp.Diff(want, same); diff != "" {
			t.Errorf("labelled %v, the same (-want +got):\n%s", labelled, diff)
		}
		next, err := r.Compare(t.Context(), net(fake{classes: classes, shift: 1}), nil)
		if err != nil {
			t.Fatal(err)
		}
		if next.MeanKL <= 0 {
			t.Errorf("labelled %v: divergence %v from another network", labelled, next.MeanKL)
		}
		next.MeanKL = 0
		want = Paired{Images: 6}
		if labelled {
			want = Paired{Images: 6, Labelled: true, FP32Right: 4, INT8Right: 2, Lost: 4, Won: 2}
		}
		if diff := cmp.Diff(want, next); diff != "" {
			t.Errorf("labelled %v, another (-want +got):\n%s", labelled, diff)
		}
		if _, err := r.Compare(t.Context(), net(fake{classes: classes + 1}), nil); !errors.Is(err, ErrModel) {
			t.Errorf("other classes: %v, want ErrModel", err)
		}
		if _, err := NewReference(t.Context(), net(fake{classes: classes, nan: true}), nil); !errors.Is(err, ErrNotFinite) {
			t.Errorf("NaN: %v, want ErrNotFinite", err)
		}
		other, err := NewReference(t.Context(), net(fake{classes: classes, shift: 1}), nil)
		if err != nil {
			t.Fatal(err)
		}
		if other.Digest() == r.Digest() {
			t.Error("two networks have one digest")
		}
	}
}
