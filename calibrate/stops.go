package calibrate

import (
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A stop is a layer whose bias is to be settled, on the way through an INT8 graph.
type stop struct {
	layer *graph.Layer
	row   Counterpart  // what it gives, in both graphs
	part  *graph.Graph // computes that
	from  []string     // what part reads: inputs, and what earlier stops gave
}

// stops returns the layers to settle in the order of q.
func (s *settler) stops(q *graph.Graph) (list []stop, err error) {
	rows, err := Match(s.graph, q)
	if err != nil {
		return nil, err
	}
	of := make(map[*graph.Layer]Counterpart)
	for _, r := range rows {
		for _, l := range r.Int8 {
			if r.Copy != nil && s.real[r.Value.Name] != nil {
				of[l] = r
			}
		}
	}
	uses := q.Consumers()
	kept := make(map[string]bool)
	for _, v := range q.Inputs {
		kept[v.Name] = true
	}
	for _, l := range weighted(q) {
		r, ok := of[l]
		if !ok || annotationOf(l.Op) == nil || l.In[2] == nil || len(uses[l.In[2]]) != 1 {
			continue
		}
		at := stop{layer: l, row: r}
		at.part, at.from = q.Between([]string{r.Copy.Name}, func(v *graph.Value) bool { return kept[v.Name] })
		kept[r.Copy.Name] = true
		list = append(list, at)
	}
	return list, nil
}

// lastReaders returns for each value that stops read the last that does.
func lastReaders(stops []stop) map[string]int {
	last := make(map[string]int)
	for i, at := range stops {
		for _, name := range at.from {
			last[name] = i
		}
	}
	return last
}

// affordable returns for how many images like those of a batch there is memory
// to keep what the stops of q read.
func (s *settler) affordable(q *graph.Graph, batch []*model.Tensor) (int, error) {
	stops, err := s.stops(q)
	if err != nil {
		return 0, err
	}
	var dims []graph.Shape
	for _, t := range batch {
		one := graph.Shape{1}
		for _, d := range t.Dims[min(1, len(t.Dims)):] {
			one = append(one, int(d))
		}
		dims = append(dims, one)
	}
	shapes, err := graph.InferShapes(q, dims)
	if err != nil {
		return 0, err
	}
	bytes := make(map[string]int)
	for v := range q.Values() {
		if n, err := shapes[v].Elems(); err == nil {
			bytes[v.Name] = n * v.DType.Size()
		}
	}
	last, now, most := lastReaders(stops), 0, 1
	for i, at := range stops {
		now += bytes[at.row.Copy.Name]
		most = max(most, now)
		for name, reader := range last {
			if reader == i && !slices.ContainsFunc(q.Inputs, func(v *graph.Value) bool { return v.Name == name }) {
				now -= bytes[name]
			}
		}
	}
	return min(settleImages, settleMemory/most), nil
}

// commonDims returns the dims that a value has in all batches, -1 where they differ
// and for the batch itself.
func commonDims(kept []map[string]*model.Tensor, name string) []int64 {
	dims := slices.Clone(kept[0][name].Dims)
	for _, values := range kept {
		for i, d := range values[name].Dims {
			if i == 0 || i < len(dims) && dims[i] != d {
				dims[i] = -1
			}
		}
	}
	return dims
}
