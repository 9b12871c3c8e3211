package infer

import (
	"fmt"
	"maps"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A body is the part of a network that oneDNN runs. What works on labels or on
// the batch as a whole (accuracy, mean loss, top-k) is the tail, run in Go over
// the finished batch; so a batch may be cut into micro-batches.
type body struct {
	graph    *graph.Graph // the body's layers only
	inputs   []*graph.Value
	feeds    []int // for each input, its index among the network's inputs
	outputs  []*graph.Value
	uses     map[*graph.Value]int // consumers in the body, plus one for an output
	fused    map[*graph.Layer]*fusion
	stems    map[*graph.Layer]*stem // of the convolutions that have one
	skip     map[*graph.Layer]bool
	branches map[*graph.Layer]bool // see findBranches
	direct   map[*graph.Layer]bool // see finder
	static   map[*graph.Value]bool // see staticValues
	watch    map[*graph.Value]bool
	// separable: the first dim of every value is the batch, and no layer mixes
	// images, so that any cut of the batch gives the same results.
	separable bool
}

// cut splits g into its body and the layers of its tail.
func cut(g *graph.Graph, watch []string) (*body, []*graph.Layer, error) {
	inf, err := graph.Probe(g)
	if err != nil {
		return nil, nil, err
	}
	b := &body{graph: &graph.Graph{Name: g.Name}, static: staticValues(inf), uses: map[*graph.Value]int{}, watch: map[*graph.Value]bool{}}
	host := hostInputs(g)
	var tail []*graph.Layer
	for _, l := range g.Layers {
		if !b.allStatic(l) && onHost(l, host) {
			for _, v := range l.Out {
				host[v] = true
			}
			tail = append(tail, l)
			continue
		}
		b.graph.Layers = append(b.graph.Layers, l)
	}
	b.findEdges(g, tail)
	b.countUses()
	if err := b.setWatch(g, watch); err != nil {
		return nil, nil, err
	}
	fixed := maps.Clone(b.watch)
	for _, v := range b.outputs {
		fixed[v] = true
	}
	f := newFinder(b.graph, fixed, inf.Shapes)
	b.fused, b.skip, b.direct = f.found, f.skip, f.direct
	b.findBranches()
	b.stems = stems(b.graph, fixed)
	for _, s := range b.stems {
		for _, l := range s.layers {
			b.skip[l] = true
		}
	}
	b.separable = separable(b)
	return b, tail, nil
}

// hostInputs returns the inputs that only the tail can take: labels and the
// like. The sizes of images that a YOLOBox reads are for the body.
func hostInputs(g *graph.Graph) map[*graph.Value]bool {
	host := map[*graph.Value]bool{}
	for _, v := range g.Inputs {
		host[v] = integer(v)
	}
	for _, l := range g.Layers {
		if _, ok := l.Op.(*graph.YOLOBox); ok {
			host[l.In[1]] = false
		}
	}
	return host
}

// onHost reports whether l belongs to the tail.
func onHost(l *graph.Layer, host map[*graph.Value]bool) bool {
	switch op := l.Op.(type) {
	case *graph.CrossEntropy, *graph.SoftmaxCrossEntropy, *graph.TopK, *graph.ArgMax, *graph.Accuracy, *graph.Cast:
		return true
	case *graph.Reduce:
		if len(op.Axes) == 0 || slices.Contains(op.Axes, 0) {
			return true
		}
	}
	return graph.Bounded(l.Op) ||
		slices.ContainsFunc(l.Out, integer) ||
		slices.ContainsFunc(graph.DataInputs(l), func(v *graph.Value) bool { return v != nil && host[v] })
}

// findEdges lists what enters the body and what the tail and the caller read.
func (b *body) findEdges(g *graph.Graph, tail []*graph.Layer) {
	inside, made := map[*graph.Value]bool{}, map[*graph.Value]bool{}
	for _, l := range b.graph.Layers {
		for _, v := range l.In {
			inside[v] = true
		}
		for _, v := range l.Out {
			made[v] = !b.static[v]
		}
	}
	for i, v := range g.Inputs {
		if inside[v] {
			b.inputs, b.feeds = append(b.inputs, v), append(b.feeds, i)
		}
	}
	b.graph.Inputs = b.inputs
	want := func(v *graph.Value) {
		if v != nil && made[v] && !slices.Contains(b.outputs, v) {
			b.outputs = append(b.outputs, v)
		}
	}
	for _, o := range g.Outputs {
		want(o.Value)
	}
	for _, l := range tail {
		for _, v := range graph.DataInputs(l) {
			want(v)
		}
	}
}

func (b *body) countUses() {
	for _, l := range b.graph.Layers {
		for _, v := range l.In {
			if v != nil {
				b.uses[v]++
			}
		}
	}
	for _, v := range b.outputs {
		b.uses[v]++
	}
}

func (b *body) setWatch(g *graph.Graph, names []string) error {
	byName := map[string]*graph.Value{}
	for _, v := range b.inputs {
		byName[v.Name] = v
	}
	for _, l := range b.graph.Layers {
		for _, v := range l.Out {
			byName[v.Name] = v
		}
	}
	for _, n := range names {
		v := byName[n]
		if v == nil {
			return fmt.Errorf("watch %q: %s computes no such value", n, g.Name)
		}
		if v.DType != model.FP32 {
			return fmt.Errorf("watch %q: it is %v, want float32", n, v.DType)
		}
		b.watch[v] = true
	}
	return nil
}

// separable infers the shapes of two batch sizes and checks that the batch is
// the first dim of every computed value and that no layer looks across it.
func separable(b *body) bool {
	var two [2]*graph.Inference
	for i := range two {
		shapes := make([]graph.Shape, len(b.inputs))
		for j, v := range b.inputs {
			if len(v.Dims) == 0 {
				return false
			}
			s := make(graph.Shape, len(v.Dims))
			for k, d := range v.Dims {
				s[k] = int(d)
				if d < 0 {
					s[k] = 224 // any size will do that the network's windows fit
				}
			}
			s[0] = 2 + i
			shapes[j] = s
		}
		inf, err := graph.Infer(b.graph, shapes)
		if err != nil {
			return false
		}
		two[i] = inf
	}
	for _, l := range b.graph.Layers {
		if b.allStatic(l) {
			continue
		}
		for _, v := range append(slices.Clone(l.Out), graph.DataInputs(l)...) {
			switch {
			case v == nil || v.Const != nil:
			case b.static[v]:
				if !sameForEach(v, two[0], two[1]) {
					return false
				}
			case !batched(two[0].Shapes[v], two[1].Shapes[v]):
				return false
			}
		}
		if mixes(l, two[0].Shapes) {
			return false
		}
	}
	return true
}

// batched compares the shapes of a value for batches of two and three.
func batched(two, three graph.Shape) bool {
	return len(two) > 0 && two[0] == 2 && three[0] == 3 && slices.Equal(two[1:], three[1:])
}

// mixes reports whether l combines elements of different images.
func mixes(l *graph.Layer, shapes map[*graph.Value]graph.Shape) bool {
	first := func(axis int) bool { return axis == 0 || axis == -len(shapes[l.In[0]]) }
	switch op := l.Op.(type) {
	case *graph.Softmax:
		return first(op.Axis)
	case *graph.Concat:
		return first(op.Axis)
	case *graph.Split:
		return first(op.Axis)
	case *graph.Slice:
		return slices.ContainsFunc(op.Axes, first) || slices.ContainsFunc(op.Squeeze, first)
	case *graph.Transpose:
		return op.Perm[0] != 0
	case *graph.BoxCoder:
		return op.Encode || op.ByRow
	case *graph.Expand:
		return len(op.Dims) == len(shapes[l.Out[0]]) && op.Dims[0] != 1 && op.Dims[0] != -1
	case *graph.Pad:
		return op.Before[0]+op.After[0] != 0
	case *graph.LayerNorm:
		return op.Begin == 0
	case *graph.FC:
		return false
	case *graph.MatMul:
		return len(shapes[l.In[0]]) < 3 && l.In[1].Const == nil || op.TransX && len(shapes[l.In[0]]) < 3
	case *graph.Mul:
		return true
	case *graph.Binary:
		return len(shapes[l.Out[0]]) != len(shapes[l.In[0]])
	}
	return false
}
