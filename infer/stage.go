package infer

import (
	"slices"

	"github.com/octet-dnn/octet/graph"
)

// A stage is a run of layers that are computed for the same number of images
// at once. Early layers of a network have large maps and few weights: one
// image after the other, their maps stay in the core's own cache. Late layers
// have small maps and large weights: those are read once for several images.
// So a plan of n images runs each stage n/images times, and does so depth
// first: as soon as an early stage has computed what the next one takes at
// once, that runs, while its input is still in the cache.
type stage struct {
	layers []*graph.Layer
	images int // a divisor of the next stage's
	steps  []step
}

// stages cuts the layers of b, for a plan of n images, such that the values
// that a layer reads and writes together fit in cache bytes if they can.
// shapes are those of a single image.
func (b *body) stages(shapes map[*graph.Value]graph.Shape, n, cache int) []*stage {
	layers := b.graph.Layers
	fit := make([]int, len(layers))
	least := n
	for i := len(layers) - 1; i >= 0; i-- {
		for hot := b.hot(layers[i], shapes); least > 1 && least*hot > cache; {
			least = largestDivisor(least)
		}
		fit[i] = least
	}
	for i, l := range layers {
		if !b.picksUp(l) {
			break
		}
		fit[i] = 1
	}
	var all []*stage
	for i, l := range layers {
		if i == 0 || fit[i] != fit[i-1] {
			all = append(all, &stage{images: fit[i]})
		}
		last := all[len(all)-1]
		last.layers = append(last.layers, l)
	}
	return all
}

// largestDivisor returns the largest below n, which is at least 2. A team takes any number of
// images at once.
func largestDivisor(n int) int {
	d := 2
	for n%d != 0 {
		d++
	}
	return n / d
}

// picksUp reports whether l quantises an input, alone or as a convolution. That
// is as fast for one image as for several, and one image may lie anywhere: those
// of several callers need not be copied to lie side by side, see instance.place.
func (b *body) picksUp(l *graph.Layer) bool {
	if b.stems[l] != nil {
		return true
	}
	_, ok := l.Op.(*graph.Quantize)
	return ok && slices.Contains(b.inputs, l.In[0])
}

// hot returns the bytes of an image that a layer reads and writes.
func (b *body) hot(l *graph.Layer, shapes map[*graph.Value]graph.Shape) int {
	if b.skip[l] || b.direct[l] || b.branches[l] {
		return 0 // computed by the layer it is fused into, by its readers, or with the one that adds it
	}
	total := 0
	add := func(v *graph.Value) {
		if v != nil && v.Const == nil && !b.static[v] {
			total += bytesOfShape(shapes[v], v.DType)
		}
	}
	for _, v := range graph.DataInputs(l) {
		add(v)
	}
	if s := b.stems[l]; s != nil {
		add(s.picture)
	}
	if f := b.fused[l]; f != nil {
		if branch := b.branchOf(l); branch != nil {
			add(branch.In[0])
		} else {
			add(f.add)
		}
		add(f.out)
		return total
	}
	for _, v := range l.Out {
		add(v)
	}
	return total
}

// An expansion repeats the steps of the stages, each lowered once, until a plan
// has computed all its images.
type expansion struct {
	stages []*stage
	images map[*storage]int // how many images a storage holds; 0: private to a stage
	steps  []step
}

// expand returns the steps of a plan of n images.
func expand(stages []*stage, n int) []step {
	x := &expansion{stages: stages, images: map[*storage]int{}}
	x.share()
	if len(stages) == 1 && stages[0].images == n {
		return stages[0].steps
	}
	top := len(stages) - 1
	for at := 0; at < n; at += stages[top].images {
		x.run(top, at)
	}
	x.relive()
	return x.steps
}

// share finds the storages that more than one stage uses, and widens them to
// what the last of these takes at once.
func (x *expansion) share() {
	owner := map[*storage]*stage{}
	for _, st := range x.stages {
		for _, s := range st.steps {
			for _, a := range s.args {
				if a.t.store == nil {
					continue
				}
				if first := owner[a.t.store]; first == nil {
					owner[a.t.store] = st
				} else if first != st {
					x.images[a.t.store] = st.images
				}
			}
		}
	}
	for s, images := range x.images {
		s.size, s.images = s.size/s.images*images, images
	}
}

// run appends the steps of stage k for the images from at on, after those of
// the stages before it.
func (x *expansion) run(k, at int) {
	st := x.stages[k]
	if k > 0 {
		for i := at; i < at+st.images; i += x.stages[k-1].images {
			x.run(k-1, i)
		}
	}
	own := map[*storage]*storage{} // this repetition's copies of private storages
	for _, s := range st.steps {
		args := make([]arg, len(s.args))
		for i, a := range s.args {
			args[i] = arg{a.arg, x.at(a.t, at, own)}
		}
		s.args = args
		x.steps = append(x.steps, s)
	}
}

// at returns the place of t for the images from at on.
func (x *expansion) at(t *tensor, at int, own map[*storage]*storage) *tensor {
	if t.data != nil {
		return t
	}
	moved := *t
	switch {
	case t.bound > 0:
		moved.image = at
	case x.images[t.store] > 0:
		moved.image = at % t.store.images
	default:
		if own[t.store] == nil {
			c := *t.store
			own[t.store] = &c
		}
		moved.store = own[t.store]
	}
	return &moved
}

// relive computes the lives of the storages anew, over all repetitions.
func (x *expansion) relive() {
	seen := map[*storage]bool{}
	for i, s := range x.steps {
		for _, a := range s.args {
			st := a.t.store
			if st == nil {
				continue
			}
			if !seen[st] {
				seen[st] = true
				st.first = i
			}
			st.last = i
		}
	}
}
