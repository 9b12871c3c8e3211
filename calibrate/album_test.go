package calibrate

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// Whatever order and batches the images come in, an album keeps the same ones, and
// gives them back in the same batches.
func TestAlbumIsTheSameHowever(t *testing.T) {
	const most, all = 20, 90
	one := images(t, 5, all, 1)
	one = append(one, one[3], one[30], one[30])
	inputs := []*graph.Value{{Name: "image", DType: model.FP32, Dims: []int64{-1, 3, 16, 16}}}
	var first [][]float32
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 4 {
		a, err := newAlbum(t.TempDir(), most)
		if err != nil {
			t.Fatal(err)
		}
		for rest := one; len(rest) > 0; {
			n := min(len(rest), 1+r.IntN(7))
			in := joined(t, rest[:n])
			pages, err := a.write(in, digestsOf(in, n))
			if err != nil {
				t.Fatal(err)
			}
			if r.IntN(4) == 0 { // the batch fails behind this, and is taken again
				a.forget(pages)
				continue
			}
			a.add(pages)
			rest = rest[n:]
		}
		var got [][]float32
		if err := a.each(inputs, func(in []*model.Tensor) error {
			got = append(got, in[0].Float32s())
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			first = got
		} else if d := cmp.Diff(first, got); d != "" {
			t.Fatalf("round %d gives other batches:\n%.500s", round, d)
		}
		if n := len(got[0]) / (3 * 16 * 16); a.images() != most || n != albumBatch || len(got) != 2 {
			t.Errorf("%d images in %d batches, the first of %d", a.images(), len(got), n)
		}
		// A batch is written before what it displaces is known.
		if size := a.end / a.kept[0].size; size > most+2*7 {
			t.Errorf("the file has room for %d images, %d are kept", size, most)
		}
		if err := a.close(); err != nil {
			t.Error(err)
		}
		r.Shuffle(len(one), func(i, j int) { one[i], one[j] = one[j], one[i] })
	}
}

// Images of several sizes come back alone.
func TestAlbumOfOddImages(t *testing.T) {
	a, err := newAlbum(t.TempDir(), 6)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	want := map[int]bool{}
	for i := range 6 {
		x, err := model.Float32Tensor(make([]float32, 3*(1+i%3)), 1, 3, int64(1+i%3))
		if err != nil {
			t.Fatal(err)
		}
		x.Float32s()[0] = float32(i)
		pages, err := a.write([]*model.Tensor{x}, digestsOf([]*model.Tensor{x}, 1))
		if err != nil {
			t.Fatal(err)
		}
		a.add(pages)
		want[i] = true
	}
	if err := a.each([]*graph.Value{{Dims: []int64{-1, 3, -1}}}, func(in []*model.Tensor) error {
		i := int(in[0].Float32s()[0])
		if !want[i] || in[0].Dims[2] != int64(1+i%3) {
			t.Errorf("image %d: dims %v", i, in[0].Dims)
		}
		delete(want, i)
		return nil
	}); err != nil || len(want) > 0 {
		t.Errorf("%v; missing %v", err, want)
	}
}

// A calibration that is cut short and taken up again from its table, the samples
// so far offered again, refines to the same weights as one that is not.
func TestRefineAfterRestore(t *testing.T) {
	batches := images(t, 3, 6, 2)
	weights := func(c *Calibrator) (all []byte) {
		g, err := c.INT8Graph()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range g.Layers {
			for _, v := range l.In {
				if v != nil && v.Const != nil {
					all = append(all, v.Const.Data...)
				}
			}
		}
		return all
	}
	for _, o := range []Options{{Algorithm: KL, Refine: true}, {Algorithm: Auto, Refine: true}} {
		whole := newTestCalibrator(t, "mobilenet", o)
		sampleAll(t, whole, batches)
		want := weights(whole)

		half := newTestCalibrator(t, "mobilenet", o)
		sampleAll(t, half, batches[:3])
		resumed := newTestCalibrator(t, "mobilenet", o)
		if err := resumed.Restore(mustTable(t, half)); err != nil {
			t.Fatal(err)
		}
		sampleAll(t, resumed, batches[3:])
		if _, err := resumed.INT8Graph(); !errors.Is(err, ErrNoProbes) {
			t.Errorf("%s: nothing offered: %v, want ErrNoProbes", o.Algorithm, err)
		}
		again := slices.Clone(batches[:3])
		slices.Reverse(again)
		for i, b := range again {
			more, err := resumed.Offer(b)
			if err != nil || more != (i < len(again)-1) {
				t.Fatalf("%s: offered %d: more %v, %v", o.Algorithm, i, more, err)
			}
		}
		if !bytes.Equal(want, weights(resumed)) {
			t.Errorf("%s: the resumed calibration refines to other weights", o.Algorithm)
		}
		if _, err := resumed.Offer(batches[0]); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: offered once more: %v, want ErrMismatch", o.Algorithm, err)
		}

		other := newTestCalibrator(t, "mobilenet", o)
		if err := other.Restore(mustTable(t, half)); err != nil {
			t.Fatal(err)
		}
		for i, b := range batches[1:4] {
			if _, err := other.Offer(b); errors.Is(err, ErrMismatch) != (i == 2) {
				t.Errorf("%s: other samples, batch %d: %v", o.Algorithm, i, err)
			}
		}
	}
}

// The INT8 model depends on which samples there were, not on their order or batches.
func TestRefinementIsOrderFree(t *testing.T) {
	batches := images(t, 4, 5, 1)
	var first []byte
	for i := range 3 {
		c := newTestCalibrator(t, "resnet", Options{Refine: true})
		sampleAll(t, c, [][]*model.Tensor{joined(t, batches[:1+i]), joined(t, batches[1+i:])})
		g, err := c.INT8Graph()
		if err != nil {
			t.Fatal(err)
		}
		var all []byte
		for v := range g.Values() {
			if v.Const != nil {
				all = append(all, v.Const.Data...)
			}
		}
		if i == 0 {
			first = all
		} else if !bytes.Equal(first, all) {
			t.Errorf("round %d gives other weights", i)
		}
		slices.Reverse(batches)
	}
}
