package calibrate

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/octet-dnn/octet/graph"
)

// chooseAuto is Auto. The candidates for a tensor are what all other algorithms
// choose. Up to eight samples are run in FP32 again, those first in the sketch;
// of each layer that reads the tensor, up to 32 places and 16 output channels are computed
// from the values as they are and as each candidate leaves them, with the
// FP32 weights; and the candidate with the smallest sum, over the layers, of the
// square error in relation to the square of the output wins (reader.error says
// what the histograms have to do with it). Tensors that share
// a scale choose together. A tensor that no layer to be quantised reads, such as
// one that is only added to another, gets the threshold of MSE.
func (c *Calibrator) chooseAuto(t *Table) (err error) {
	tables, err := t.candidates()
	if err != nil {
		return err
	}
	s := newGroups(c.graph, c.o.fp32AveragePool(), nil)
	rs := readersOf(c.graph, s, tables)
	var watch []string
	for _, r := range rs {
		if name := r.layer.In[0].Name; !slices.Contains(watch, name) && !slices.Contains(c.graph.Inputs, r.layer.In[0]) {
			watch = append(watch, name)
		}
	}
	run, err := c.o.Runner(c.graph, watch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	var mu sync.Mutex
	show := func(a Activation) (err error) {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range rs {
			if err == nil && r.layer.In[0].Name == a.Name {
				err = r.measure(a)
			}
		}
		return err
	}
	for _, d := range wanted(c.seen.sketch) {
		in := c.probes[d]
		if in == nil {
			return fmt.Errorf("algorithm %s: sample %v: %w", Auto, d, ErrNoProbes)
		}
		for i, v := range c.graph.Inputs {
			if v.DType != in[i].DType || len(in[i].Dims) != 4 {
				continue
			}
			dims := make([]int, len(in[i].Dims))
			for j, n := range in[i].Dims {
				dims[j] = int(n)
			}
			if err := show(Activation{Name: v.Name, Dims: dims, Data: in[i].Float32s()}); err != nil {
				return err
			}
		}
		if _, err := run.Run(c.alive, in, show); err != nil {
			return err
		}
	}
	t.settle(s, tables, rs)
	return nil
}

// candidates returns the tables of all other algorithms, MSE first: it wins ties.
func (t *Table) candidates() ([]*Table, error) {
	m, err := t.Rethreshold(MSE)
	list := []*Table{m}
	for _, a := range Algorithms() {
		if a == Auto || a == MSE || err != nil {
			continue
		}
		var other *Table
		other, err = t.Rethreshold(a)
		list = append(list, other)
	}
	return list, err
}

// readersOf returns the layers that read tensors with thresholds.
func readersOf(g *graph.Graph, s *groups, tables []*Table) (list []*reader) {
	for _, l := range g.Layers {
		if !quantisable(l) {
			continue
		}
		from := s.find(l.In[0])
		if from == nil {
			continue
		}
		r := newReader(l, from.unsigned)
		for _, t := range tables {
			r.candidates = append(r.candidates, candidate{threshold: t.largest(from)})
		}
		list = append(list, r)
	}
	return list
}

// largest returns the largest threshold among the owners of a group, which sets its scale.
func (t *Table) largest(g *group) (threshold float64) {
	for _, o := range g.owners {
		if e, ok := t.Lookup(o.Name); ok {
			threshold = max(threshold, e.Threshold)
		}
	}
	return threshold
}

// settle gives every tensor the threshold of the best candidate of its group.
func (t *Table) settle(s *groups, tables []*Table, rs []*reader) {
	errs := map[*group][]float64{}
	for _, r := range rs {
		to := s.find(r.layer.In[0])
		if errs[to] == nil {
			errs[to] = make([]float64, len(tables))
		}
		var input []*Statistics
		for _, o := range to.owners {
			if i, ok := t.index(o.Name); ok {
				input = append(input, t.Evidence.Tensors[i])
			}
		}
		for k := range r.candidates {
			errs[to][k] += r.error(k, input)
		}
	}
	best := map[string]int{}
	for to, e := range errs {
		for _, o := range to.owners {
			best[o.Name] = slices.Index(e, slices.Min(e))
		}
	}
	for i := range t.Entries {
		t.Entries[i].Threshold = tables[best[t.Entries[i].Name]].Entries[i].Threshold
	}
}
