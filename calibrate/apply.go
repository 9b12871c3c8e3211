package calibrate

import (
	"fmt"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// Apply returns the INT8 graph of the FP32 model m with the thresholds of t, which
// has to be m's (ErrOtherModel). It is what the Calibrator that made t gives without
// Options.Refine, which needs samples: see Calibrator.Restore. The options other than
// those of the placement are not used; a table of Paddle 1.3's thresholds gets its weight scales too.
func Apply(m *model.Model, t *Table, o Options) (*graph.Graph, error) {
	if o.Refine {
		return nil, fmt.Errorf("apply a table: refinement needs samples: %w", ErrOptions)
	}
	if err := t.CheckModel(m); err != nil {
		return nil, fmt.Errorf("apply a table: %w", err)
	}
	g, err := graph.Build(m)
	if err != nil {
		return nil, fmt.Errorf("apply a table to %s: %w", m.Name, err)
	}
	o.Compat = t.Compat
	q, err := Quantize(g, t, o)
	if err != nil {
		return nil, fmt.Errorf("apply a table to %s: %w", m.Name, err)
	}
	return q, nil
}
