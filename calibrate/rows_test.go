package calibrate

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a large map leaves is the same whether it is shown image by image or all at once, in
// either order of memory, with an observer that others merge into or alone; and what is counted
// is every fourth row.
func TestRowsCounted(t *testing.T) {
	for seed, dims := range [][]int{{3, 5, 120, 121}, {2, 700, 14, 14}, {2, 64, 33, 32}, {1, 1 << 13, 8, 1}} {
		t.Run(fmt.Sprint(dims), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 5))
			x := activations(r, dims[0]*dims[1]*dims[2]*dims[3])
			size := len(x) / dims[0]
			x[r.IntN(len(x))] = -1e4
			whole := observed(t, Activation{Image: AllImages, Dims: dims, Data: x}, dims[0])
			parts, want := NewStatistics(), NewStatistics()
			want.cover(math.Float32bits(1e4)) // bins as wide as all elements need
			for i := range dims[0] {
				image := Activation{Image: i, Dims: append([]int{1}, dims[1:]...), Data: x[i*size : (i+1)*size]}
				last := image
				last.ChannelsLast, last.Data = true, channelsLast(image.Data, dims)
				alone := observed(t, last, dims[0])
				if d := cmp.Diff(observed(t, image, dims[0]).AppendState(nil), alone.AppendState(nil)); d != "" {
					t.Fatalf("image %d: the order of memory matters:\n%s", i, d)
				}
				if err := parts.Merge(alone); err != nil {
					t.Fatal(err)
				}
				for j := range size / dims[3] {
					if row := image.Data[j*dims[3]:][:dims[3]]; j%dims[2]%4 == firstRow(image) {
						if err := want.Add(row); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			if d := cmp.Diff(whole.AppendState(nil), parts.AppendState(nil)); d != "" {
				t.Fatalf("images alone and together:\n%s", d)
			}
			if whole.Total() != want.Total() || whole.Zeros() != want.Zeros() || !slices.Equal(whole.Counts(), want.Counts()) {
				t.Errorf("counted %d elements, %d zeros, want %d, %d", whole.Total(), whole.Zeros(), want.Total(), want.Zeros())
			}
			if whole.Low() != -1e4 || whole.Max() != 1e4 || whole.High() != slices.Max(x) {
				t.Errorf("range %v to %v, want that of all elements, -1e4 to %v", whole.Low(), whole.High(), slices.Max(x))
			}
			for range 8 { // in rows that are counted and others
				y, at := slices.Clone(x), r.IntN(len(x))
				y[at] = float32(math.Inf(-1))
				var bad *NotFiniteError
				_, err := addImages(NewStatistics(), Activation{Image: AllImages, Dims: dims, Data: y}, dims[0], unshared{})
				if !errors.As(err, &bad) || bad.Index != at {
					t.Errorf("%v, want an infinity at %d", err, at)
				}
			}
		})
	}
}

// No row is counted much more often than another: of 400 maps, half of them zeros, 100 begin with
// each of the first four rows, give or take five standard deviations, 8.7 each.
func TestRowsAreDrawn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	var began [rowStep]int
	for range 400 {
		x := make([]float32, largeMap)
		for i := range x {
			x[i] = float32(max(r.NormFloat64(), 0))
		}
		began[firstRow(Activation{Dims: []int{1, 16, 64, 64}, Data: x})]++
	}
	for i, n := range began {
		if n < 57 || n > 143 {
			t.Errorf("%d of 400 maps begin with row %d", n, i)
		}
	}
}

// Whatever is no large map is counted whole.
func TestAllRowsCounted(t *testing.T) {
	for _, c := range []struct {
		name string
		dims []int
	}{
		{"small", []int{1, 16, 64, 63}},
		{"low", []int{1, 1024, 7, 16}},
		{"a matrix", []int{4, 1 << 16}},
		{"no dims", nil},
		{"dims of other data", []int{1, 16, 64, 65}},
	} {
		x := make([]float32, 1<<16)
		if got := rowsCounted(Activation{Dims: c.dims, Data: x}); got != (rows{}) {
			t.Errorf("%s: %+v, want all", c.name, got)
		}
	}
}

func observed(t *testing.T, a Activation, images int) *Statistics {
	t.Helper()
	s := NewStatistics()
	if _, err := addImages(s, a, images, unshared{}); err != nil {
		t.Fatal(err)
	}
	return s
}

// channelsLast returns an image of dims NCHW in the order HWC.
func channelsLast(x []float32, dims []int) []float32 {
	c, area := dims[1], dims[2]*dims[3]
	y := make([]float32, len(x))
	for i := range area {
		for j := range c {
			y[i*c+j] = x[j*area+i]
		}
	}
	return y
}
