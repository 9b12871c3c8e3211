package calibrate

import (
	"math"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/parallel"
)

// At so many places and output channels of a layer an error is measured.
const (
	readerPlaces   = 32
	readerChannels = 16
)

// A reader is a convolution or fully connected layer under measurement.
type reader struct {
	layer      *graph.Layer
	levels     int
	lowest     float64 // integer
	rows       []readerRow
	signal     float64 // Σ y²
	elements   float64 // of the inputs seen
	candidates []candidate
}

// A candidate is a threshold, with the error that it causes.
type candidate struct {
	threshold float64
	noise     float64 // Σ (y'−y)²
	moved     float64 // Σ (x'−x)² over the inputs seen
}

// A readerRow is the weights of one output channel, which reads the input channels from first on.
type readerRow struct {
	first   int
	weights []float32
}

func newReader(l *graph.Layer, unsigned bool) *reader {
	r := &reader{layer: l, levels: math.MaxInt8, lowest: math.MinInt8}
	if unsigned {
		r.levels, r.lowest = math.MaxUint8, 0
	}
	w := l.In[1].Const
	axis, _ := channelAxis(l.Op)
	channels := int(w.Dims[axis])
	n := min(channels, readerChannels)
	for i := range n {
		c := i * channels / n
		row := readerRow{}
		if axis == 1 { // [K, N]
			for k := range int(w.Dims[0]) {
				row.weights = append(row.weights, w.Float32s()[k*channels+c])
			}
		} else {
			size := w.Len() / channels
			row.weights = w.Float32s()[c*size : (c+1)*size]
			row.first = c / (channels / max(l.Op.(*graph.Conv).Groups, 1)) * int(w.Dims[1])
		}
		r.rows = append(r.rows, row)
	}
	return r
}

// measure adds the errors on one image.
func (r *reader) measure(a Activation) error {
	x := rowMajor(a)
	gather, places := r.flat(x)
	if conv, ok := r.layer.Op.(*graph.Conv); ok {
		var err error
		if gather, places, err = r.windows(conv, x, a.Dims); err != nil {
			return err
		}
	}
	type result struct {
		signal, elements float64
		noise, moved     []float64
	}
	results := make([]result, min(places, readerPlaces))
	parallel.Each(len(results), func(i int) {
		at := (2*i + 1) * places / (2 * len(results))
		out := result{noise: make([]float64, len(r.candidates)), moved: make([]float64, len(r.candidates))}
		var patch, errs []float32
		last := -1
		for _, row := range r.rows {
			if row.first != last {
				patch, last = gather(at, row.first, len(row.weights), patch), row.first
				errs = r.errors(patch, errs)
				out.elements += float64(len(patch))
				for k := range out.moved {
					e := errs[k*len(patch):][:len(patch)]
					out.moved[k] += dot(e, e)
				}
			}
			y := dot(row.weights, patch)
			out.signal += y * y
			for k := range out.noise {
				e := dot(row.weights, errs[k*len(patch):][:len(patch)])
				out.noise[k] += e * e
			}
		}
		results[i] = out
	})
	for _, out := range results { // in order: sums of floats
		r.signal += out.signal
		r.elements += out.elements
		for k, n := range out.noise {
			r.candidates[k].noise += n
			r.candidates[k].moved += out.moved[k]
		}
	}
	return nil
}

// error returns the error of the output that candidate k causes, relative to
// the output. What few places show of rare large values is chance, while the
// histograms of the input know all of them: so the places tell by what factor the
// layer passes on errors of its input, and the histograms how large those are.
func (r *reader) error(k int, input []*Statistics) float64 {
	one := r.candidates[k]
	if r.signal == 0 || one.moved == 0 {
		return 0
	}
	var square, elements float64
	for _, s := range input {
		square += s.SquareError(one.threshold, r.levels)
		elements += float64(s.Total())
	}
	return one.noise / r.signal * (square / elements) / (one.moved / r.elements)
}

// SquareError returns the sum of the square errors of quantising what was seen with a
// threshold and levels integers above zero. Elements count as in the middle of their bins.
func (h *Histogram) SquareError(threshold float64, levels int) (sum float64) {
	scale := float64(Scale(threshold, levels))
	for i, n := range h.Counts() {
		x := (float64(i) + 0.5) * h.Width()
		d := x - min(math.RoundToEven(x*scale), float64(levels))/scale
		sum += float64(n) * d * d
	}
	return sum
}

// errors returns what each candidate changes about the values of a patch.
func (r *reader) errors(patch, errs []float32) []float32 {
	errs = errs[:0]
	for _, k := range r.candidates {
		scale := Scale(k.threshold, r.levels)
		inverse := 1 / float64(scale)
		for _, v := range patch {
			q := min(max(math.RoundToEven(float64(v*scale)), r.lowest), float64(r.levels))
			errs = append(errs, float32(q*inverse-float64(v)))
		}
	}
	return errs
}

// A gatherer returns the values that an output channel reads for one place,
// from its first input channel on, in the order of its weights, in the memory of patch.
type gatherer func(place, first, n int, patch []float32) []float32

// flat is for a fully connected layer: a place is a row.
func (r *reader) flat(x []float32) (gatherer, int) {
	k := len(r.rows[0].weights)
	return func(place, _, n int, _ []float32) []float32 { return x[place*k:][:n] }, len(x) / k
}

// windows is for a convolution of an image of dims NCHW: a place is a pixel of the output.
func (r *reader) windows(conv *graph.Conv, x []float32, dims []int) (gatherer, int, error) {
	filter := make(graph.Shape, 4)
	for i, d := range r.layer.In[1].Const.Dims {
		filter[i] = int(d)
	}
	w, err := conv.Resolve(graph.Shape(dims), filter)
	if err != nil {
		return nil, 0, err
	}
	height, width := dims[2], dims[3]
	return func(place, first, _ int, patch []float32) []float32 {
		patch = patch[:0]
		top := place/w.Out[1]*w.Strides[0] - w.Pads[0]
		left := place%w.Out[1]*w.Strides[1] - w.Pads[2]
		for c := first; c < first+filter[1]; c++ {
			for i := range w.Kernel[0] {
				for j := range w.Kernel[1] {
					y, z := top+i*w.Dilations[0], left+j*w.Dilations[1]
					if y < 0 || y >= height || z < 0 || z >= width {
						patch = append(patch, 0)
						continue
					}
					patch = append(patch, x[(c*height+y)*width+z])
				}
			}
		}
		return patch
	}, w.Out[0] * w.Out[1], nil
}

// rowMajor returns the data in the order of its dims.
func rowMajor(a Activation) []float32 {
	if !a.ChannelsLast || len(a.Dims) != 4 {
		return a.Data
	}
	c, hw := a.Dims[1], a.Dims[2]*a.Dims[3]
	x := make([]float32, len(a.Data))
	for i := range hw {
		for j := range c {
			x[j*hw+i] = a.Data[i*c+j]
		}
	}
	return x
}

func dot(a, b []float32) (sum float64) {
	var s [4]float32
	b = b[:len(a)]
	for len(a) >= 4 && len(b) >= 4 {
		s[0] += a[0] * b[0]
		s[1] += a[1] * b[1]
		s[2] += a[2] * b[2]
		s[3] += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s[0] += v * b[i]
	}
	return float64(s[0]+s[1]) + float64(s[2]+s[3])
}
