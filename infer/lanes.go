package infer

import (
	"slices"

	"github.com/octet-dnn/octet/dnnl"
)

// oneDNN shares the loops of one primitive between threads. They meet after each
// layer, and then find much of what they read in another core's cache; INT8
// products, with AMX above all, are too fast to hide that. So a plan of one INT8
// image for several threads cuts its maps into bands of rows, and each thread
// computes the same band of one layer after the other, by primitives for one
// thread: its lane. Lanes meet only where one reads rows of another, as around a
// convolution of 3x3. The sums are exact; oneDNN's AMX kernels round a scaled sum
// differently in the last bit with other blocks, as they do for other numbers of
// threads.

const (
	// laneRows is the fewest rows of a band.
	laneRows = 7
	// laneWeights is how many times as large as the maps the weights of a layer may
	// be: each lane reads all of them. Of 0.5, 1, 2, 4 and 100 the fastest for
	// ResNet-50 and MobileNet-V1, with AMX and without.
	laneWeights = 2
)

// chooser returns that of the threads that run what is lowered now.
func (lw *lowering) chooser() chooser {
	c := lw.choose
	if lw.lane > 0 {
		c.threads = 1
	}
	return c
}

// A band is what a lane computes of a convolution: rows [from, to) of its result,
// from rows [top, bottom) of what it reads and so much padding above and below.
type band struct {
	from, to, top, bottom int
	above, below          int
}

// bands cuts c for n lanes.
func (c *convolution) bands(n int) []band {
	w, rows, height := &c.window, c.y.dims[2], c.x.dims[2]
	list := make([]band, n)
	for i := range list {
		b := band{from: rows * i / n, to: rows * (i + 1) / n}
		b.top = b.from*w.Strides[0] - w.Pads[0]
		b.bottom = (b.to-1)*w.Strides[0] - w.Pads[0] + (w.Kernel[0]-1)*w.Dilations[0] + 1
		b.above, b.below = max(-b.top, 0), max(b.bottom-height, 0)
		b.top, b.bottom = max(b.top, 0), min(b.bottom, height)
		list[i] = b
	}
	return list
}

// inLanes lowers c in bands, and reports whether it has.
func (lw *lowering) inLanes(c *convolution) bool {
	n := lw.choose.threads
	if lw.err != nil || n < 2 || c.x.dims[0] != 1 || c.op.Int8 == nil || !rowByRow(c.x) || !rowByRow(c.y) || !c.suitsLanes(n) {
		return false
	}
	bands, made := c.bands(n), make([]bandStep, n)
	for i, b := range bands {
		lw.lane = i + 1
		part := *c
		part.window.Pads[0], part.window.Pads[1] = b.above, b.below
		part.epilogue = c.epilogue.clone()
		see := func(t *tensor) *tensor { return lw.rows(t, b.from, b.to) }
		lw.joinFusion(&part.epilogue, see)
		src, dst := lw.rows(c.x, b.top, b.bottom), see(c.y)
		if twin := slices.IndexFunc(bands[:i], b.alike); twin >= 0 {
			made[i] = made[twin].onto(&part, src, dst)
		} else {
			made[i].job, made[i].args = lw.convJob(&part, src, dst)
		}
		lw.run(made[i].job, made[i].args...)
	}
	lw.lane = 0
	lw.resultAs(c.y)
	return true
}

// alike reports whether one primitive computes b and o. Each that is made takes
// milliseconds of a start.
func (b band) alike(o band) bool {
	return b.to-b.from == o.to-o.from && b.bottom-b.top == o.bottom-o.top && b.above == o.above && b.below == o.below
}

// A bandStep is the primitive of a band, and what it takes.
type bandStep struct {
	job  *job
	args []arg
}

// onto returns the step that does to c, a band alike, what s does to its own.
func (s bandStep) onto(c *convolution, src, dst *tensor) bandStep {
	s.args = slices.Clone(s.args)
	copy(s.args, c.epilogue.extra) // which come first, see arguments
	for i := range s.args {
		switch a := &s.args[i]; a.arg {
		case dnnl.ArgSrc:
			a.t = src
		case dnnl.ArgDst:
			a.t = dst
		}
	}
	return s
}

// suitsLanes reports whether n lanes have enough to do in c, each with something
// to read but padding.
func (c *convolution) suitsLanes(n int) bool {
	size := func(t *tensor) int { return elems(t.dims) * t.dtype.Size() }
	if c.y.dims[2] < n*laneRows || elems(c.dims) > laneWeights*(size(c.x)+size(c.y)) {
		return false
	}
	return !slices.ContainsFunc(c.bands(n), func(b band) bool { return b.top >= b.bottom })
}

// rowByRow reports whether t is a dense map of the arena.
func rowByRow(t *tensor) bool {
	return t.store != nil && slices.Equal(t.desc.Strides(), strides(t.dims, channelsLast))
}

// rows views some rows of t, a single image.
func (lw *lowering) rows(t *tensor, from, to int) *tensor {
	if lw.err != nil || t == nil {
		return t
	}
	dims := []int{1, t.dims[1], to - from, t.dims[3]}
	v := lw.view(t, lw.desc(dims, t.dtype, channelsLast), dims, channelsLast)
	v.skip += from * t.dims[3] * t.dims[1] * t.dtype.Size()
	return v
}

// clone returns a copy that can be appended to.
func (e *epilogue) clone() epilogue {
	c := *e
	c.attr.PostOps, c.attr.Scales = slices.Clone(e.attr.PostOps), slices.Clone(e.attr.Scales)
	c.scales, c.extra = slices.Clone(e.scales), slices.Clone(e.extra)
	return c
}

// An access is what a step of a lane does to bytes of a storage.
type access struct {
	lane, first, end int
	write            bool
}

// clashes reports whether a and b must not happen at once.
func (a access) clashes(b access) bool {
	return a.lane != b.lane && (a.write || b.write) && a.first < b.end && b.first < a.end
}

// A stretch is a run of steps in lanes without a fence.
type stretch struct {
	begin int
	done  map[*storage][]access
}

// fences sets the fences of steps in lanes: before each that would clash with
// another lane. What is in use at one step of a stretch is so at all of them.
func fences(steps []step) {
	var open *stretch
	for i := range steps {
		s := &steps[i]
		if s.lane == 0 {
			open.close(i)
			open = nil
			continue
		}
		if open != nil && open.clashes(s) {
			s.fence = true
			open.close(i)
			open = nil
		}
		if open == nil {
			open = &stretch{i, map[*storage][]access{}}
		}
		for _, a := range s.args {
			if st := a.t.store; st != nil {
				open.done[st] = append(open.done[st], s.access(a))
			}
		}
	}
	open.close(len(steps))
}

func (x *stretch) clashes(s *step) bool {
	return slices.ContainsFunc(s.args, func(a arg) bool {
		now := s.access(a)
		return slices.ContainsFunc(x.done[a.t.store], now.clashes)
	})
}

// close ends x before step end.
func (x *stretch) close(end int) {
	if x == nil {
		return
	}
	for st := range x.done {
		st.first, st.last = min(st.first, x.begin), max(st.last, end-1)
	}
}

func (s *step) access(a arg) access {
	x := access{lane: s.lane, write: a.arg == dnnl.ArgDst || a.arg == dnnl.ArgScratchpad}
	if st := a.t.store; st != nil {
		x.first = a.t.image*(st.size/st.images) + a.t.skip
		x.end = x.first + a.t.desc.Size()
	}
	return x
}
