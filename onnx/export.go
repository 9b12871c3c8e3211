package onnx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
	"github.com/octet-dnn/octet/onnx/internal/pb"
)

// An exporter writes one graph. Its helpers give names of tensors to each other:
// step appends a node and returns its result, give makes the last result a value
// of the graph.
type exporter struct {
	g      *graph.Graph
	out    *pb.Graph
	names  map[string]bool
	sizes  [2]*graph.Inference // the same network at two sizes of whatever its inputs leave open
	fixed  bool                // it only works at one
	consts map[*graph.Value]*model.Tensor
	stored map[*graph.Value]string // constants that are initializers
	shared map[string]string       // small initializers by their content
}

func newExporter(g *graph.Graph) *exporter {
	name := g.Name
	if name == "" {
		name = "network"
	}
	e := &exporter{g: g, out: &pb.Graph{Name: proto.String(name)}, names: make(map[string]bool),
		consts: make(map[*graph.Value]*model.Tensor), stored: make(map[*graph.Value]string), shared: make(map[string]string)}
	for v := range g.Values() {
		e.names[v.Name] = true
		if v.Const != nil {
			e.consts[v] = v.Const
		}
	}
	for _, o := range g.Outputs {
		e.names[o.Name] = true
	}
	return e
}

func refuse(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, graph.ErrUnsupported)...)
}

// run writes all layers and goes on behind those that ONNX cannot express, to
// name all of them.
func (e *exporter) run() error {
	for _, v := range e.g.Inputs {
		i := e.infoOf(v)
		if !e.fixed {
			for d, n := range v.Dims {
				i.dims[d] = max(n, -1)
			}
		}
		e.out.Input = append(e.out.Input, i.proto(v.Name))
	}
	var refused []string
	for _, l := range e.g.Layers {
		if e.known(l) {
			continue
		}
		switch err := e.layer(l); {
		case errors.Is(err, graph.ErrUnsupported):
			reason := strings.TrimSuffix(err.Error(), ": "+graph.ErrUnsupported.Error())
			refused = append(refused, fmt.Sprintf("%s %q (%s)", l.Op.Kind(), l.Name, reason))
		case err != nil:
			return &graph.OpError{Op: l.Op.Kind(), Var: l.Name, Err: err}
		}
	}
	if len(refused) > 0 {
		return refuse("%d of %d layers cannot be written: %s", len(refused), len(e.g.Layers), strings.Join(refused, ", "))
	}
	return e.outputs()
}

// outputs gives the fetched values the names under which they are fetched.
func (e *exporter) outputs() error {
	var done []string
	for _, o := range e.g.Outputs {
		if slices.Contains(done, o.Name) {
			return refuse("output %q twice", o.Name)
		}
		done = append(done, o.Name)
		v, i := o.Value, e.infoOf(o.Value)
		t := e.consts[v]
		switch {
		case t != nil:
			name := e.freshName(o.Name + "@constant")
			if err := e.initializer(name, t); err != nil {
				return err
			}
			e.node("Identity", []string{name}, []string{o.Name})
		case o.Name != v.Name:
			e.node("Identity", []string{v.Name}, []string{o.Name})
		case v.Producer == nil:
			return refuse("input %q as an output of the same name", v.Name)
		}
		e.out.Output = append(e.out.Output, i.proto(o.Name))
	}
	e.out.ValueInfo = slices.DeleteFunc(e.out.ValueInfo, func(i *pb.ValueInfo) bool { return slices.Contains(done, i.GetName()) })
	return nil
}

// layer writes the nodes of one layer.
func (e *exporter) layer(l *graph.Layer) error {
	switch op := l.Op.(type) {
	case *graph.Conv:
		return e.conv(l, op)
	case *graph.Deconv:
		return e.deconv(l, op)
	case *graph.Pool:
		return e.pool(l, op)
	case *graph.FC:
		return e.fc(l, op)
	case *graph.MatMul:
		return e.matMul(l, op)
	case *graph.Mul:
		return e.mul(l, op)
	case *graph.Quantize:
		return e.quantize(l, op)
	case *graph.Dequantize:
		return e.dequantize(l, op)
	case *graph.DequantizeWeights:
		return e.dequantizeWeights(l, op)
	case *graph.BatchNorm, *graph.LayerNorm, *graph.LRN, *graph.Softmax, *graph.PReLU, *graph.Reduce:
		return e.norm(l)
	case *graph.Act, *graph.Binary, *graph.Cast, *graph.Identity:
		return e.elementwise(l)
	case *graph.Reshape, *graph.Transpose, *graph.ShuffleChannel, *graph.Concat, *graph.Split, *graph.Slice:
		return e.move(l)
	case *graph.Pad, *graph.Resize, *graph.ShapeOf, *graph.Fill, *graph.Expand:
		return e.fill(l)
	case *graph.CrossEntropy, *graph.SoftmaxCrossEntropy, *graph.TopK, *graph.ArgMax, *graph.Accuracy:
		return e.label(l)
	}
	return refuse("ONNX has no such operator")
}
