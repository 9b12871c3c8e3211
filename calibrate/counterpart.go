package calibrate

import (
	"fmt"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A Counterpart is a layer of an FP32 graph beside what does its work in an
// INT8 copy of it: the copy may have taken a sum out of a convolution, and
// converts between reals and integers.
type Counterpart struct {
	// Real is the layer of the FP32 graph. It is nil for an input of the graph, and
	// for what the copy alone has and nobody reads.
	Real *graph.Layer
	// Int8 lists the layers of the copy in its order. It is empty where the copy
	// computes the layer's result together with another's.
	Int8 []*graph.Layer
	// Value is the first output of Real, or an input of the graph, and Copy what
	// stands for it in the copy: the integers where there are any. They are nil
	// where nothing of the copy does, or where they are no reals in FP32.
	Value, Copy *graph.Value
	// Scale is that of Copy, 0 if it is FP32.
	Scale float32
	// Top is the largest integer that Copy can hold, 0 if it is FP32.
	Top int
}

// Match pairs the layers of an FP32 graph with those of its INT8 copy, be it
// fresh from Quantize or built from a saved model of any form: values are known by
// their names, which fusion and quantisation keep. Inputs that the copy
// quantises come first, then the layers of real in order.
func Match(real, copied *graph.Graph) ([]Counterpart, error) {
	scales, err := graph.TensorScales(copied)
	if err != nil {
		return nil, fmt.Errorf("match %q with its INT8 copy: %w", real.Name, err)
	}
	m := &matcher{row: make(map[*graph.Value]int), origin: origins(real, copied)}
	for _, v := range real.Inputs {
		m.add(Counterpart{Value: v}, v)
	}
	for _, l := range real.Layers {
		m.add(Counterpart{Real: l, Value: l.Out[0]}, l.Out...)
	}
	m.assign(copied)
	m.choose(copied, scales)
	return m.trimmed(len(real.Inputs)), nil
}

// A matcher fills the rows of the answer.
type matcher struct {
	rows   []Counterpart
	row    map[*graph.Value]int          // of each value of the FP32 graph
	origin map[*graph.Value]*graph.Value // see origins
}

func (m *matcher) add(c Counterpart, made ...*graph.Value) {
	for _, v := range made {
		m.row[v] = len(m.rows)
	}
	m.rows = append(m.rows, c)
}

// origins returns for values of an INT8 copy the values of the FP32 graph that
// they stand for: those of the same name, and what conversions make of them.
func origins(real, copied *graph.Graph) map[*graph.Value]*graph.Value {
	named := make(map[string]*graph.Value)
	for v := range real.Values() {
		if v.Const == nil {
			named[v.Name] = v
		}
	}
	of := make(map[*graph.Value]*graph.Value)
	for v := range copied.Values() {
		if o := named[v.Name]; o != nil && v.Const == nil {
			of[v] = o
		}
	}
	for _, l := range copied.Layers {
		if !conversion(l.Op) {
			continue
		}
		// Of a fetched tensor the reals have the name: see quantizer.swapNames.
		in, out := l.In[0], l.Out[0]
		if of[in] == nil && of[out] != nil {
			of[in] = of[out]
		}
		if of[out] == nil && of[in] != nil {
			of[out] = of[in]
		}
	}
	return of
}

// conversion reports whether op gives the value it reads in another type or scale.
func conversion(op graph.Op) bool {
	switch op.(type) {
	case *graph.Quantize, *graph.Dequantize, *graph.Requantize:
		return true
	}
	return false
}

// assign gives every layer of the copy to a row: that of the value it computes,
// or else of the first layer that reads it.
func (m *matcher) assign(copied *graph.Graph) {
	uses := copied.Consumers()
	rows := make(map[*graph.Layer]int)
	for i := len(copied.Layers) - 1; i >= 0; i-- {
		l := copied.Layers[i]
		at, known := -1, false
		for _, v := range l.Out {
			if o := m.origin[v]; o != nil && !known {
				at, known = m.row[o], true
			}
		}
		for _, v := range l.Out {
			if readers := uses[v]; !known && len(readers) > 0 {
				at, known = rows[readers[0].Layer], true
			}
		}
		if !known {
			at = len(m.rows)
			m.rows = append(m.rows, Counterpart{})
		}
		rows[l] = at
	}
	for _, l := range copied.Layers {
		c := &m.rows[rows[l]]
		c.Int8 = append(c.Int8, l)
	}
}

// choose finds the Copy of each row: the first tensor of integers, or else the first of reals.
func (m *matcher) choose(copied *graph.Graph, scales map[*graph.Value]float32) {
	for v := range copied.Values() {
		o := m.origin[v]
		if o == nil {
			continue
		}
		c := &m.rows[m.row[o]]
		scale, integers := scales[v]
		switch {
		case c.Value != o || o.DType != model.FP32:
		case integers && c.Top == 0:
			c.Copy, c.Scale, c.Top = v, scale, topOf(v)
		case v.DType == model.FP32 && c.Copy == nil:
			c.Copy = v
		}
	}
}

// topOf returns the largest integer that v can hold.
func topOf(v *graph.Value) int {
	if l := v.Producer; l != nil {
		if c, ok := l.Op.(*graph.Conv); ok && c.Int8 != nil && c.Int8.SaturateS8 {
			return Levels(model.Int8)
		}
	}
	return Levels(v.DType)
}

// trimmed returns the rows without the inputs, the first n, that the copy reads
// as they are, and without values that there is nothing to compare with.
func (m *matcher) trimmed(n int) []Counterpart {
	var rows []Counterpart
	for i, c := range m.rows {
		if i < n && (c.Top == 0 || len(c.Int8) == 0) {
			continue
		}
		if c.Copy == nil {
			c.Value = nil
		}
		rows = append(rows, c)
	}
	return rows
}
