package calibrate

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// testPixels are of pictures of (pixel/255 - mean)/deviation.
var testPixels = &Pixels{Scale: []float32{58.395, 57.12, 57.375}, Shift: []float32{123.675, 116.28, 103.53}}

// pictures draws batches of what whole pixels become.
func pictures(t testing.TB, seed uint64, batches, size int) [][]*model.Tensor {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 8))
	all := images(t, seed, batches, size)
	for _, batch := range all {
		x := batch[0].Float32s()
		for i := range x {
			c := i / (16 * 16) % 3
			x[i] = (float32(r.IntN(256)) - testPixels.Shift[c]) / testPixels.Scale[c]
		}
	}
	return all
}

// In FP32, a network that reads pixels gives what it gave: both sum up some hundred
// products of up to 10 in float32, in another order.
func TestReadPixelsKeepsFP32(t *testing.T) {
	for name := range nets {
		t.Run(name, func(t *testing.T) {
			a, b := nets[name](t), nets[name](t)
			if err := testPixels.Check(b); err != nil {
				t.Skip(err) // its first convolution does not read the picture
			}
			if _, _, err := readPixels(b, namesOf(b), testPixels); err != nil {
				t.Fatal(err)
			}
			if err := graph.Check(b); err != nil {
				t.Fatal(err)
			}
			in := pictures(t, 3, 1, 2)[0]
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
					if w := y[b.Outputs[i].Value].Data[j]; math.Abs(v-w) > 1e-4*max(1, math.Abs(v)) {
						t.Fatalf("output %q, element %d: %v of pixels, %v of the picture", o.Name, j, w, v)
					}
				}
			}
		})
	}
}

// The first convolution reads integers that are the pixels, and rounding its weights
// moves nothing of what it gives for a picture of zeros.
func TestQuantizePixels(t *testing.T) {
	for _, refine := range []bool{false, true} {
		c := newTestCalibrator(t, "mobilenet", Options{Pixels: testPixels, Refine: refine})
		sampleAll(t, c, pictures(t, 1, 2, 8))
		q, err := c.INT8Graph()
		if err != nil {
			t.Fatal(err)
		}
		if err := graph.Check(q); err != nil {
			t.Fatal(err)
		}
		first := firstConv(q)
		a := annotationOf(first.Op)
		if a == nil || a.ScaleIn != 1 || first.In[0].DType != model.UInt8 {
			t.Fatalf("refine %v: the first convolution is %+v of %v: want INT8 of u8 pixels", refine, a, first.In[0].DType)
		}
		in := pictures(t, 4, 1, 1)[0]
		values, err := runReference(q, in)
		if err != nil {
			t.Fatal(err)
		}
		pads := first.Op.(*graph.Conv).Pads
		if pads != [4]int{} {
			t.Errorf("padding %v is of pixels, not of the picture", pads)
		}
		x, got := in[0].Float32s(), values[first.In[0]]
		h, w := got.Dims[2], got.Dims[3]
		for i, v := range got.Data {
			ch, y, z := i/(h*w)%3, i/w%h-(h-16)/2, i%w-(w-16)/2
			want := math.RoundToEven(float64(testPixels.Shift[ch]))
			if y >= 0 && y < 16 && z >= 0 && z < 16 {
				want = math.RoundToEven(float64(x[(ch*16+y)*16+z])*float64(testPixels.Scale[ch]) + float64(testPixels.Shift[ch]))
			}
			if v != want {
				t.Fatalf("refine %v: pixel %d,%d of channel %d is %v, want %v", refine, y, z, ch, v, want)
			}
		}
		if refine {
			continue
		}
		zero, err := runReference(q, []*model.Tensor{{DType: model.FP32, Dims: in[0].Dims, Data: make([]byte, len(in[0].Data))}})
		if err != nil {
			t.Fatal(err)
		}
		real := nets["mobilenet"](t)
		want, err := runReference(real, []*model.Tensor{{DType: model.FP32, Dims: in[0].Dims, Data: make([]byte, len(in[0].Data))}})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range zero[first.Out[0]].Data {
			// Half a step of the result, and the rounding of three shifts to pixels, each
			// times at most 9 weights of up to one in 58.
			r := want[firstConv(real).Out[0]].Data[i]
			if d := math.Abs(v/float64(a.ScaleOut) - r); d > 0.5/float64(a.ScaleOut)+0.5*3*9/58 {
				t.Fatalf("element %d is %v for a picture of zeros, %v in FP32", i, v/float64(a.ScaleOut), r)
			}
		}
	}
}

func TestPixelsRefused(t *testing.T) {
	for name, p := range map[string]*Pixels{
		"nothing":          {},
		"scales only":      {Scale: []float32{1, 1, 1}},
		"a scale of 0":     {Scale: []float32{1, 0, 1}, Shift: []float32{0, 0, 0}},
		"an infinite one":  {Scale: []float32{1, float32(math.Inf(1)), 1}, Shift: []float32{0, 0, 0}},
		"a shift of NaN":   {Scale: []float32{1, 1, 1}, Shift: []float32{0, float32(math.NaN()), 0}},
		"four channels":    {Scale: []float32{1, 1, 1, 1}, Shift: []float32{0, 0, 0, 0}},
		"negative scaling": {Scale: []float32{1, -1, 1}, Shift: []float32{0, 0, 0}},
	} {
		if c, err := New(asModel(t, "mobilenet"), Options{Pixels: p, Runner: newRefRunner(refRunner{}, nil)}); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
			if err == nil {
				c.Close()
			}
		}
	}
	o := Options{Pixels: testPixels, Compat: Paddle13, Runner: newRefRunner(refRunner{}, nil)}
	if _, err := New(asModel(t, "mobilenet"), o); !errors.Is(err, ErrOptions) {
		t.Errorf("with compat: %v", err)
	}
}
