package calibrate

import (
	"math"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/parallel"
	"github.com/octet-dnn/octet/model"
)

// Bounds of what moments keep of a layer.
const (
	maxTaps        = 8192 // above: means only
	maxGroupedTaps = 256  // the same where there are several groups
	momentRows     = 8192 // looked at in all, at least; and twice as many as taps
	groupedRows    = 8192 // the same of each group
	chunkRows      = 512  // multiplied at once
)

// moments are means and covariances of what the weights of one layer multiply:
// the K inputs of an output channel, padding included, at places spread evenly
// over the samples. Layers of several groups have one set a group.
type moments struct {
	layer  *graph.Layer
	k      int
	groups int
	full   bool // second moments too
	seen   int  // images
	images int  // in all
	rows   float64
	mean   [][]float64 // sums until finish
	second [][]float32 // K×K; sums of products until finish
	chunk  []float32   // rows to be multiplied
	filled int
}

func newMoments(l *graph.Layer, images int) *moments {
	d := l.In[1].Const.Dims
	m := &moments{layer: l, groups: 1, images: images, k: int(d[0])}
	if c, ok := l.Op.(*graph.Conv); ok {
		m.groups, m.k = c.Groups, int(d[1]*d[2]*d[3])
	}
	m.full = m.groups == 1 && m.k <= maxTaps || m.groups > 1 && m.k <= maxGroupedTaps
	for range m.groups {
		m.mean = append(m.mean, make([]float64, m.k))
		if m.full {
			m.second = append(m.second, make([]float32, m.k*m.k))
		}
	}
	if m.full && m.groups == 1 {
		m.chunk = make([]float32, chunkRows*m.k)
	}
	return m
}

// momentBytes is the memory that newMoments takes for l.
func momentBytes(l *graph.Layer) int {
	d := l.In[1].Const.Dims
	k, groups := int(d[0]), 1
	if c, ok := l.Op.(*graph.Conv); ok {
		groups, k = c.Groups, int(d[1]*d[2]*d[3])
	}
	if groups == 1 && k <= maxTaps || groups > 1 && k <= maxGroupedTaps {
		return 4 * k * (groups*k + chunkRows)
	}
	return 8 * k * groups
}

// add takes the layer's input for one more batch, row-major.
func (m *moments) add(x *model.Tensor, products *gramian) error {
	data := x.Float32s()
	op, ok := m.layer.Op.(*graph.Conv)
	if !ok {
		for ; len(data) >= m.k; data = data[m.k:] {
			if err := m.addRow(data[:m.k], products); err != nil {
				return err
			}
		}
		return nil
	}
	dims := []int{int(x.Dims[0]), int(x.Dims[1]), int(x.Dims[2]), int(x.Dims[3])}
	w := m.layer.In[1].Const.Dims
	window, err := op.Resolve(dims, []int{int(w[0]), int(w[1]), int(w[2]), int(w[3])})
	if err != nil {
		return err
	}
	for i := range dims[0] {
		image := data[i*len(data)/dims[0] : (i+1)*len(data)/dims[0]]
		patch := patches{image, dims[1] / m.groups, dims[2], dims[3], window}
		if err := m.addImage(patch, products); err != nil {
			return err
		}
		m.seen++
	}
	return nil
}

// addImage takes some places of an image, others in each.
func (m *moments) addImage(p patches, products *gramian) error {
	area := p.window.Out[0] * p.window.Out[1]
	want := max(momentRows, 2*m.k)
	if m.groups > 1 {
		want = groupedRows
	}
	n := min((want+m.images-1)/m.images, area)
	places := make([]int, n)
	for i := range places {
		places[i] = i
		if n < area { // multiples of the golden ratio spread evenly
			_, f := math.Modf(float64(m.seen*n+i) * (math.Phi - 1))
			places[i] = min(int(f*float64(area)), area-1)
		}
	}
	if m.groups == 1 {
		row := make([]float32, m.k)
		for _, at := range places {
			p.gather(0, at, row)
			if err := m.addRow(row, products); err != nil {
				return err
			}
		}
		return nil
	}
	m.rows += float64(n)
	parallel.Each(m.groups, func(g int) {
		row := make([]float32, m.k)
		for _, at := range places {
			p.gather(g, at, row)
			m.count(g, row)
			if !m.full {
				continue
			}
			for i, v := range row {
				into := m.second[g][i*m.k : (i+1)*m.k]
				for j, u := range row {
					into[j] += v * u
				}
			}
		}
	})
	return nil
}

func (m *moments) count(g int, row []float32) {
	for i, v := range row {
		m.mean[g][i] += float64(v)
	}
}

func (m *moments) addRow(row []float32, products *gramian) error {
	m.rows++
	m.count(0, row)
	if !m.full {
		return nil
	}
	copy(m.chunk[m.filled*m.k:], row)
	if m.filled++; m.filled < chunkRows {
		return nil
	}
	return m.flush(products)
}

// flush multiplies the rows that wait.
func (m *moments) flush(products *gramian) error {
	if m.filled == 0 {
		return nil
	}
	clear(m.chunk[m.filled*m.k:])
	m.filled = 0
	return products.add(m.second[0], m.chunk, m.k)
}

// finish turns the sums into means and covariances.
func (m *moments) finish(products *gramian) error {
	if m.chunk != nil {
		if err := m.flush(products); err != nil {
			return err
		}
		m.chunk = nil
	}
	for g, mean := range m.mean {
		for i := range mean {
			mean[i] /= max(m.rows, 1)
		}
		if !m.full {
			continue
		}
		parallel.Each(m.k, func(i int) {
			row := m.second[g][i*m.k : (i+1)*m.k]
			for j, s := range row {
				v := float64(s)/max(m.rows, 1) - mean[i]*mean[j]
				if i != j {
					v *= shrink(m.k, m.rows)
				}
				row[j] = float32(v)
			}
		})
	}
	return nil
}

// finite reports whether no sum of products has overflowed. No product is
// larger than the larger of two squares, so the squares tell.
func (m *moments) finite() bool {
	for _, second := range m.second {
		for i := range m.k {
			if v := float64(second[i*m.k+i]); math.IsNaN(v) || math.IsInf(v, 0) {
				return false
			}
		}
	}
	return true
}
