package main

import (
	"fmt"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/calibrate/budget"
	"github.com/octet-dnn/octet/graph"
)

// A calibrated is what there is to say of an INT8 model that has been made. Its
// fields are the JSON of calibrate and quantize.
type calibrated struct {
	Output    string              `json:"output"`
	INT8      int                 `json:"int8_layers"`
	Layers    int                 `json:"layers"` // with weights
	Pictures  int                 `json:"pictures"`
	Algorithm calibrate.Algorithm `json:"algorithm"`
	Movements []movement          `json:"movements"`
	Doubts    []string            `json:"doubts"`
	// Budget is what --max-drop and the like found, nil without. Where nothing was saved, it is all there is.
	Budget  *budget.Result `json:"budget,omitempty"`
	watched bool           // while pictures were added
}

// A movement is a calibrate.Movement in JSON; changes are fractions.
type movement struct {
	From    int     `json:"from"`
	To      int     `json:"to"`
	Median  float64 `json:"median"`
	Most    float64 `json:"most"`
	Largest float64 `json:"largest"`
	Tensor  string  `json:"tensor"`
	Settled bool    `json:"settled"`
}

func newCalibrated(out string, g *graph.Graph, t *calibrate.Table) *calibrated {
	c := &calibrated{Output: out, Pictures: t.Samples, Algorithm: t.Algorithm, Movements: []movement{}, Doubts: append([]string{}, t.Doubts()...)}
	c.INT8, c.Layers = layersINT8(g)
	return c
}

// movements takes what a calibration has to say, even if that is nothing.
func (c *calibrated) movements(list []calibrate.Movement) {
	c.watched = true
	for _, m := range list {
		c.Movements = append(c.Movements, movement{m.From, m.To, m.Median, m.Most, m.Largest, m.Tensor, m.Settled()})
	}
}

// String returns the result in words.
func (c *calibrated) String() string {
	return fmt.Sprintf("%d of %d layers INT8, from %s", c.INT8, c.Layers, plural(c.Pictures, "picture"))
}

// write prints the result, and what is to be thought of the pictures.
func (c *calibrated) write(a *app) {
	fmt.Fprintf(a.out, "%s: %s\n", c.Output, c)
	if n := len(c.Movements); n > 0 {
		fmt.Fprintln(a.out, c.Movements[n-1])
	} else if c.watched {
		fmt.Fprintln(a.out, "too few pictures to tell whether more would move the thresholds")
	}
	for _, d := range c.Doubts {
		a.warn("doubtful: %s", d)
	}
}

// String returns the movement in words.
func (m movement) String() string {
	verdict := "more pictures would still move them"
	if m.Settled {
		verdict = "more pictures no longer matter"
	}
	return fmt.Sprintf("from %d to %s thresholds moved by %.1f %% in the median, 95 %% of them by at most %.1f %% (the most: %.1f %%, %s): %s",
		m.From, plural(m.To, "picture"), 100*m.Median, 100*m.Most, 100*m.Largest, m.Tensor, verdict)
}

// layersINT8 counts the layers with weights, and those of them that are INT8.
func layersINT8(g *graph.Graph) (quantised, all int) {
	for _, l := range g.Layers {
		switch op := l.Op.(type) {
		case *graph.Conv:
			all++
			if op.Int8 != nil {
				quantised++
			}
		case *graph.FC:
			all++
			if op.Int8 != nil {
				quantised++
			}
		}
	}
	return quantised, all
}
