package onnx

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
	"github.com/octet-dnn/octet/onnx/internal/pb"
)

const (
	// opset is the version of ONNX's operators: the first that resizes by a list
	// of axes and has Mish. ONNX Runtime reads it since 1.14 (2023).
	opset     = 18
	irVersion = 8 // that belongs to the opset

	// maxBytes is what a protobuf message may have.
	maxBytes = math.MaxInt32
)

// Save writes g to the file name as an ONNX model, see [Marshal]. Options and
// atomicity are those of model.SaveFile: model.WithOverwrite and model.WithFile
// have a meaning here.
func Save(g *graph.Graph, name string, opts ...model.SaveOption) error {
	data, err := Marshal(g)
	if err != nil {
		return err
	}
	return model.SaveFile(name, data, opts...)
}

// Marshal returns g, which must have been through graph.Optimize, as an ONNX
// model. Inputs keep the dims that they leave open, the outputs their names, and
// all tensors between have a type and a shape. INT8 layers become QDQ: g is
// rewritten by graph.ToQDQ. g is not changed.
//
// Layers that ONNX has no operators for, or none that give the same results,
// are refused with an error that names all of them and wraps
// graph.ErrUnsupported. So is a model above the 2 GB that ONNX files can have.
func Marshal(g *graph.Graph) ([]byte, error) {
	m, err := build(g)
	if err != nil {
		return nil, fmt.Errorf("ONNX: %w", err)
	}
	if n := proto.Size(m); n > maxBytes {
		return nil, fmt.Errorf("ONNX: a model of %d bytes, above 2 GB: %w", n, graph.ErrUnsupported)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

func build(g *graph.Graph) (*pb.Model, error) {
	g, err := graph.ToQDQ(roomForBiases(g))
	if err != nil {
		return nil, err
	}
	e := newExporter(g)
	if err := e.probe(); err != nil {
		return nil, err
	}
	if err := e.run(); err != nil {
		return nil, err
	}
	return &pb.Model{
		IrVersion: proto.Int64(irVersion), ProducerName: proto.String("octet"), Graph: e.out,
		OpsetImport: []*pb.OperatorSet{{Domain: proto.String(""), Version: proto.Int64(opset)}},
	}, nil
}
