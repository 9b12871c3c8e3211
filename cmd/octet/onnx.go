package main

import (
	"path/filepath"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
	"github.com/octet-dnn/octet/onnx"
)

// formatONNX is what --format and --to call ONNX.
const (
	formatONNX = "onnx"
	onnxExt    = ".onnx"
)

// checkONNXName refuses an output that nobody would take for an ONNX model, or
// would take for one.
func checkONNXName(format, out string) error {
	switch is := filepath.Ext(out) == onnxExt; {
	case format == formatONNX && !is:
		return usagef("the output %q is one file in ONNX: want a name that ends in %s", out, onnxExt)
	case format != formatONNX && is:
		return usagef("the output %q would be a folder in this format: --format %s writes ONNX", out, formatONNX)
	}
	return nil
}

// saveINT8ONNX is the saver for ONNX.
func saveINT8ONNX(g *graph.Graph, t *calibrate.Table, out string, opts ...model.SaveOption) error {
	beside, err := t.Beside()
	if err != nil {
		return err
	}
	return onnx.Save(g, out, append([]model.SaveOption{beside}, opts...)...)
}

// convertToONNX is the converter for ONNX.
func convertToONNX(m *model.Model, out string, opts ...model.SaveOption) error {
	g, err := graph.Build(m)
	if err != nil {
		return err
	}
	return onnx.Save(g, out, opts...)
}
