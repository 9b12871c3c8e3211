package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/octet-dnn/octet/calibrate"
)

// A tensors is what calibration saw of one tensor, and what each algorithm chooses for it.
type tensors struct {
	stats     *calibrate.Statistics
	levels    int
	algorithm string // of the table
	choices   []choice
}

// A choice is the threshold of an algorithm.
type choice struct {
	Algorithm string
	threshold float64
	InUse     bool // the INT8 model has it
	Threshold string
	Clipped   string // share of the elements seen
	SQNR      string // of the tensor, were it computed in FP32 and quantised
}

// newTensors chooses again by all algorithms that need nothing but the table.
// It returns nil where the table keeps thresholds only.
func newTensors(t *calibrate.Table) (map[string]*tensors, error) {
	if t == nil || t.Evidence == nil {
		return nil, nil
	}
	all := make(map[string]*tensors)
	for i, e := range t.Entries {
		all[e.Name] = &tensors{stats: t.Evidence.Tensors[i], levels: calibrate.Levels(e.DType), algorithm: string(t.Algorithm)}
	}
	add := func(algorithm calibrate.Algorithm, entries []calibrate.Entry) {
		for _, e := range entries {
			s := all[e.Name]
			s.choices = append(s.choices, choice{Algorithm: string(algorithm), threshold: e.Threshold})
		}
	}
	for _, a := range calibrate.Algorithms() {
		if a == calibrate.Auto {
			if t.Algorithm == a {
				add(a, t.Entries)
			}
			continue
		}
		n, err := t.Rethreshold(a)
		if err != nil {
			return nil, err
		}
		add(a, n.Entries)
	}
	return all, nil
}

// A tensor is what is shown of one.
type tensor struct {
	Choices []choice
	Plot    *plot
	Mini    *plot
	Seen    string
}

// sameThreshold is by how much the threshold in the INT8 model may differ from
// the one that the algorithm chose: scales are snapped, by far less.
const sameThreshold = 1e-3

// plot prepares the tensor for a model that uses a threshold, 0 if it keeps it FP32.
func (s *tensors) plot(used float64) *tensor {
	t := &tensor{Choices: slices.Clone(s.choices), Seen: fmt.Sprintf("%s elements, %s of them zero",
		plain(int(s.stats.Total())), percent(float64(s.stats.Zeros())/float64(max(s.stats.Total(), 1))))}
	known := false
	for i := range t.Choices {
		c := &t.Choices[i]
		c.InUse = c.Algorithm == s.algorithm && used > 0 && math.Abs(c.threshold-used) <= sameThreshold*used
		known = known || c.InUse
		s.judge(c)
	}
	if used > 0 && !known {
		c := choice{Algorithm: "the INT8 model", threshold: used, InUse: true}
		s.judge(&c)
		t.Choices = append(t.Choices, c)
	}
	slices.SortStableFunc(t.Choices, func(a, b choice) int {
		switch {
		case a.threshold < b.threshold:
			return -1
		case a.threshold > b.threshold:
			return 1
		}
		return strings.Compare(strings.ToLower(a.Algorithm), strings.ToLower(b.Algorithm))
	})
	t.Plot, t.Mini = newPlot(s.stats, t.Choices, used, large), newPlot(s.stats, nil, used, small)
	return t
}

// judge says what the threshold does to the elements that were seen.
func (s *tensors) judge(c *choice) {
	c.Threshold = short(c.threshold)
	clipped, signal := 0.0, 0.0
	// What rounds to the largest integer is not clipped.
	most := c.threshold * (1 + 0.5/float64(s.levels))
	for i, n := range s.stats.Counts() {
		x := (float64(i) + 0.5) * s.stats.Width()
		signal += float64(n) * x * x
		if float64(i)*s.stats.Width() >= most {
			clipped += float64(n)
		}
	}
	if s.stats.Total() > 0 {
		c.Clipped = percent(clipped / float64(s.stats.Total()))
	}
	if noise := s.stats.SquareError(c.threshold, s.levels); signal > 0 && noise > 0 {
		c.SQNR = number(10*math.Log10(signal/noise), "%.1f").Text
	}
}
