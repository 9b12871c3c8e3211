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
	return SaveINT8Model(g, t, c.o.Form, path, opts...)
}

// SaveINT8Model is Calibrator.SaveINT8Model for the INT8 graph g that was made with t.
func SaveINT8Model(g *graph.Graph, t *Table, form graph.Form, path string, opts ...model.SaveOption) error {
	beside, err := t.Beside()
	if err != nil {
		return fmt.Errorf("save INT8 model: %w", err)
	}
	m, err := graph.ToModel(g, form)
	if err != nil {
		return fmt.Errorf("save INT8 model: %w", err)
	}
	return model.Save(m, path, append([]model.SaveOption{beside}, opts...)...)
}

// Beside makes model.Save write the table as TableFile beside a model.
func (t *Table) Beside() (model.SaveOption, error) {
	var text bytes.Buffer
	if _, err := t.WriteTo(&text); err != nil {
		return nil, err
	}
	return model.WithFile(TableFile, text.Bytes()), nil
}
