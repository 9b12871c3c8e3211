package graph

// A Window is the geometry of a Conv, Deconv or Pool once its padding algorithm
// has met an input size: what an executor passes on.
type Window struct {
	Kernel, Strides, Dilations [2]int // h, w
	Pads                       [4]int // top, bottom, left, right
	Out                        [2]int // spatial dims of the output
	// Adaptive is set for a Pool whose cells differ in size: cell i of an axis
	// covers floor(i·in/out) … ceil((i+1)·in/out), and Kernel, Strides and Pads
	// mean nothing. Adaptive pools with equal cells resolve to plain windows.
	Adaptive bool
}

// Resolve returns the geometry for an input of shape x (NCHW) and the filter's shape.
func (c *Conv) Resolve(x, filter Shape) (Window, error) {
	w := Window{Strides: c.Strides, Dilations: c.Dilations, Pads: c.Pads}
	if err := wantRank("input", x, 4); err != nil {
		return w, err
	}
	if err := wantRank("filter", filter, 4); err != nil {
		return w, err
	}
	w.Kernel = [2]int{filter[2], filter[3]}
	err := w.resolve(x, c.PadMode, false)
	return w, err
}

// Resolve returns the geometry for an input of shape x (NCHW).
func (p *Pool) Resolve(x Shape) (Window, error) {
	w := Window{Kernel: p.Kernel, Strides: p.Strides, Dilations: [2]int{1, 1}, Pads: p.Pads}
	if err := wantRank("input", x, 4); err != nil {
		return w, err
	}
	in := [2]int{x[2], x[3]}
	switch {
	case p.Global:
		w.Kernel, w.Strides, w.Pads, w.Out = in, [2]int{1, 1}, [4]int{}, [2]int{1, 1}
		if in[0] < 1 || in[1] < 1 {
			return w, shapeErr("global pooling of an empty map %v", x)
		}
		return w, nil
	case p.Adaptive:
		return w, w.adapt(in)
	}
	if err := w.resolve(x, p.PadMode, p.CeilMode); err != nil {
		return w, err
	}
	for i := range 2 {
		last := (w.Out[i]-1)*w.Strides[i] - w.Pads[2*i]
		if w.Pads[2*i] >= w.Kernel[i] || last >= in[i] {
			return w, shapeErr("a pooling window of %v lies wholly in the padding %v of an input of %v", w.Kernel, w.Pads, in)
		}
	}
	return w, nil
}

// Resolve returns the geometry for an input of shape x (NCHW) and the filter's
// shape. Far pads are less, even negative, by what the output is padded.
func (d *Deconv) Resolve(x, filter Shape) (Window, error) {
	w := Window{Strides: d.Strides, Dilations: d.Dilations, Pads: d.Pads}
	if err := wantRank("input", x, 4); err != nil {
		return w, err
	}
	if err := wantRank("filter", filter, 4); err != nil {
		return w, err
	}
	w.Kernel = [2]int{filter[2], filter[3]}
	if err := w.check(); err != nil {
		return w, err
	}
	w.pad(x, d.PadMode)
	for i := range 2 {
		w.Out[i] = (x[2+i]-1)*w.Strides[i] - w.Pads[2*i] - w.Pads[2*i+1] + w.Dilations[i]*(w.Kernel[i]-1) + 1
		more := d.OutputPadding[i]
		if d.OutputSize[i] > 0 {
			more = d.OutputSize[i] - w.Out[i]
		}
		if more < 0 || more >= max(w.Strides[i], w.Dilations[i]) {
			return w, shapeErr("output of %d and %d more with strides %v", w.Out[i], more, w.Strides)
		}
		w.Out[i] += more
		w.Pads[2*i+1] -= more
		if x[2+i] < 1 || w.Out[i] < 1 || w.Out[i] > maxDim {
			return w, shapeErr("output of %d for an input of %v, kernel %v, pads %v", w.Out[i], x, w.Kernel, w.Pads)
		}
	}
	return w, nil
}

// check refuses what would divide by zero or overflow.
func (w *Window) check() error {
	for i := range 2 {
		if w.Kernel[i] < 1 || w.Kernel[i] > maxDim {
			return shapeErr("kernel %v", w.Kernel)
		}
		if w.Strides[i] < 1 || w.Strides[i] > maxDim {
			return shapeErr("strides %v", w.Strides)
		}
		// The product with the kernel must stay a dim too.
		if w.Dilations[i] < 1 || w.Dilations[i] > maxDim || w.Dilations[i]*(w.Kernel[i]-1) > maxDim {
			return shapeErr("dilations %v with kernel %v", w.Dilations, w.Kernel)
		}
	}
	for _, p := range w.Pads {
		if p < 0 || p > maxDim {
			return shapeErr("pads %v", w.Pads)
		}
	}
	return nil
}

// resolve applies Paddle's padding algorithm and computes Out.
func (w *Window) resolve(x Shape, mode PadMode, ceil bool) error {
	if err := w.check(); err != nil {
		return err
	}
	w.pad(x, mode)
	for i := range 2 {
		room := x[2+i] + w.Pads[2*i] + w.Pads[2*i+1] - (w.Dilations[i]*(w.Kernel[i]-1) + 1)
		if x[2+i] < 1 || room < 0 {
			return shapeErr("kernel %v (dilations %v) is larger than the input %v with pads %v", w.Kernel, w.Dilations, x, w.Pads)
		}
		if ceil {
			room += w.Strides[i] - 1
		}
		w.Out[i] = room/w.Strides[i] + 1
	}
	return nil
}

// pad applies a padding algorithm.
func (w *Window) pad(x Shape, mode PadMode) {
	switch mode {
	case PadValid:
		w.Pads = [4]int{}
	case PadSame:
		w.Dilations = [2]int{1, 1}
		for i := range 2 {
			out := (x[2+i] + w.Strides[i] - 1) / w.Strides[i]
			total := max((out-1)*w.Strides[i]+w.Kernel[i]-x[2+i], 0)
			w.Pads[2*i], w.Pads[2*i+1] = total/2, total-total/2
		}
	}
}

// adapt resolves an adaptive pool, whose Kernel holds the output size.
func (w *Window) adapt(in [2]int) error {
	w.Out, w.Pads, w.Strides = w.Kernel, [4]int{}, [2]int{1, 1}
	for i := range 2 {
		if w.Out[i] < 1 || w.Out[i] > maxDim || in[i] < 1 {
			return shapeErr("adaptive pooling of %v to %v", in, w.Out)
		}
	}
	if in[0]%w.Out[0] != 0 || in[1]%w.Out[1] != 0 {
		w.Adaptive = true
		return nil
	}
	w.Kernel = [2]int{in[0] / w.Out[0], in[1] / w.Out[1]}
	w.Strides = w.Kernel
	return nil
}
