package calibrate

import (
	"bytes"
	"fmt"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// TableFile is the name under which SaveINT8Model keeps the calibration table
// beside the model.
const TableFile = "calibration.txt"

// SaveINT8Model writes the INT8 model, a program in Options.Form with its
// parameters, and the table as TableFile, to path. model.Load reads it. opts go
// to model.Save, which replaces the target as a whole or not at all.
func (c *Calibrator) SaveINT8Model(path string, opts ...model.SaveOption) error {
	g, err := c.INT8Graph()
	if err != nil {
		return fmt.Errorf("save INT8 model: %w", err)
	}
	t, err := c.Table()
	if err != nil {
		return fmt.Errorf("save INT8 model: %w", err)
	}
	var text bytes.Buffer
	if _, err := t.WriteTo(&text); err != nil {
		return fmt.Errorf("save INT8 model: %w", err)
	}
	m, err := graph.ToModel(g, c.o.Form)
	if err != nil {
		return fmt.Errorf("save INT8 model: %w", err)
	}
	return model.Save(m, path, append([]model.SaveOption{model.WithFile(TableFile, text.Bytes())}, opts...)...)
}
