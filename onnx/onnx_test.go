package onnx

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
	"github.com/octet-dnn/octet/onnx/internal/pb"
)

var update = flag.Bool("update", false, "write testdata instead of comparing with it")

// TestStructure compares the nodes, types and small constants of two networks
// with what was run in ONNX Runtime when testdata was written (make onnx).
func TestStructure(t *testing.T) {
	for name, g := range map[string]*graph.Graph{"fp32": network(false), "int8": network(true)} {
		t.Run(name, func(t *testing.T) {
			data, err := Marshal(g)
			if err != nil {
				t.Fatal(err)
			}
			var m pb.Model
			if err := proto.Unmarshal(data, &m); err != nil {
				t.Fatal(err)
			}
			got, file := text(&m), "testdata/"+name+".txt"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("-want +got (go test ./onnx -update):\n%s", diff)
			}
		})
	}
}

// TestRoundBiases rounds what the file rounds: the file of the rounded network is
// the same, and its biases are multiples of the scales of the sums.
func TestRoundBiases(t *testing.T) {
	g := network(true)
	rounded := RoundBiases(g)
	want, err := Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Marshal(rounded)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the rounded network has another file")
	}
	moved := 0
	for i, l := range rounded.Layers {
		before := g.Layers[i]
		c, ok := l.Op.(*graph.Conv)
		if !ok {
			continue
		}
		for j, b := range l.In[2].Const.Float32s() {
			scale := float64(c.Int8.ScaleIn) * float64(c.Int8.ScaleWeights[j])
			old := before.In[2].Const.Float32s()[j]
			// 1e-6: the scale is rounded to float32 three times.
			if sum := float64(b) * scale; math.Abs(sum-math.RoundToEven(float64(old)*scale)) > 1e-6*math.Abs(sum) {
				t.Errorf("%s: bias %d of %v became %v, %v sums", l.Name, j, old, b, sum)
			}
			if b != old {
				moved++
			}
		}
	}
	if moved == 0 {
		t.Error("no bias was rounded")
	}
}

// TestRoomForBiases gives a channel weights that are next to nothing, as FP32 and
// as s8: its bias is int32 as all others are, with room for the sums, what it
// computes is what it was, and no other channel changes.
func TestRoomForBiases(t *testing.T) {
	for _, s8 := range []bool{false, true} {
		t.Run(fmt.Sprint("s8 ", s8), func(t *testing.T) {
			g := network(true)
			l := g.Layers[1]
			q, w := l.Op.(*graph.Conv).Int8, l.In[1]
			q.ScaleWeights[1] = 4e12
			for i := range w.Const.Float32s() {
				if i >= 18 { // of channel 1
					w.Const.Float32s()[i] *= 1e-11
				}
			}
			if s8 {
				ints, err := graph.QuantizeWeights(w.Const, q.ScaleWeights, 0)
				if err != nil {
					t.Fatal(err)
				}
				data := make([]byte, len(ints))
				for i, v := range ints {
					data[i] = byte(v)
				}
				l.In[1] = &graph.Value{Name: w.Name, DType: model.Int8, Dims: w.Dims, Const: &model.Tensor{DType: model.Int8, Dims: w.Const.Dims, Data: data}}
			}
			before := slices.Clone(q.ScaleWeights)
			roomy := roomForBiases(g).Layers[1]
			scales := roomy.Op.(*graph.Conv).Int8.ScaleWeights
			if !slices.Equal(q.ScaleWeights, before) || scales[0] != before[0] {
				t.Errorf("scales %v became %v, and %v in the graph that came in", before, scales, q.ScaleWeights)
			}
			ints, err := graph.QuantizeWeights(roomy.In[1].Const, scales, 0)
			if err != nil {
				t.Fatal(err)
			}
			same, err := graph.QuantizeWeights(l.In[1].Const, before, 0)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(ints[:18], same[:18]) || slices.ContainsFunc(ints[18:], func(v int8) bool { return v != 0 }) {
				t.Errorf("weights %v became %v", same, ints)
			}
			sums, _, ok := roundedBias(roomy.In[2].Const.Float32s(), q.ScaleIn, scales)
			if want := float64(l.In[2].Const.Float32s()[1]); !ok || max(sums[1], -sums[1]) > maxBias ||
				math.Abs(float64(sums[1])/float64(q.ScaleIn*scales[1])-want) > 1e-6*math.Abs(want) {
				t.Errorf("bias %v became %v sums (%v)", want, sums, ok)
			}
			data, err := Marshal(g)
			if err != nil {
				t.Fatal(err)
			}
			var m pb.Model
			if err := proto.Unmarshal(data, &m); err != nil {
				t.Fatal(err)
			}
			for _, n := range m.Graph.Node {
				if n.GetOpType() == "Conv" && slices.ContainsFunc(m.Graph.Initializer, func(i *pb.Tensor) bool { return i.GetName() == n.Input[2] }) {
					t.Errorf("%s has the FP32 bias %s", n.GetName(), n.Input[2])
				}
			}
		})
	}
}

// TestRefused names all layers that ONNX has no operators for.
func TestRefused(t *testing.T) {
	x := &graph.Value{Name: "x", DType: model.FP32, Dims: []int64{1, 4, 5, 5}}
	pool := func(name string, in *graph.Value) *graph.Layer {
		l := &graph.Layer{Name: name, Op: &graph.Pool{Type: graph.MaxPool, Adaptive: true, Kernel: [2]int{3, 3}}, In: []*graph.Value{in}}
		l.Out = []*graph.Value{{Name: name, DType: model.FP32, Producer: l}}
		return l
	}
	a, b := pool("a", x), pool("b", x)
	g := &graph.Graph{Inputs: []*graph.Value{x}, Layers: []*graph.Layer{a, b}, Outputs: []graph.Output{{Name: "a", Value: a.Out[0]}, {Name: "b", Value: b.Out[0]}}}
	_, err := Marshal(g)
	if !errors.Is(err, graph.ErrUnsupported) || !strings.Contains(err.Error(), `"a"`) || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("error %v: want both layers named", err)
	}
}

// network is a convolution with relu, a second with a residual, a mean, a fully
// connected layer and softmax.
func network(int8 bool) *graph.Graph {
	floats := func(name string, step float32, dims ...int64) *graph.Value {
		n := int64(1)
		for _, d := range dims {
			n *= d
		}
		x := make([]float32, n)
		for i := range x {
			x[i] = step * float32(i%7-3)
		}
		c, err := model.Float32Tensor(x, dims...)
		if err != nil {
			panic(err)
		}
		return &graph.Value{Name: name, DType: model.FP32, Dims: dims, Const: c}
	}
	g := &graph.Graph{Name: "tiny"}
	x := &graph.Value{Name: "image", DType: model.FP32, Dims: []int64{-1, 2, 6, 6}}
	g.Inputs = []*graph.Value{x}
	add := func(op graph.Op, name string, d model.DType, in ...*graph.Value) *graph.Value {
		l := &graph.Layer{Name: name, Op: op, In: in}
		l.Out = []*graph.Value{{Name: name, DType: d, Producer: l}}
		g.Layers = append(g.Layers, l)
		return l.Out[0]
	}
	conv := func() *graph.Conv {
		return &graph.Conv{Strides: [2]int{1, 1}, Dilations: [2]int{1, 1}, Pads: [4]int{1, 1, 1, 1}, Groups: 1, Act: graph.Activation{Kind: graph.ActReLU}}
	}
	first, second, fc := conv(), conv(), &graph.FC{NumColDims: 1}
	u8, s8 := model.FP32, model.FP32
	if int8 {
		u8, s8 = model.UInt8, model.Int8
		first.Int8 = &graph.Int8{ScaleIn: 64, ScaleOut: 32, ScaleInEltwise: 1, ScaleWeights: []float32{40, 50}}
		second.Int8 = &graph.Int8{ScaleIn: 32, ScaleOut: 16, ScaleInEltwise: 32, ScaleWeights: []float32{40, 50}}
		fc.Int8 = &graph.Int8{ScaleIn: 16, ScaleOut: 1, ScaleInEltwise: 1, ScaleWeights: []float32{30, 20, 10}, ForceFP32: true}
		x = add(&graph.Quantize{Scale: 64}, "image@s8", s8, x)
	}
	a := add(first, "a", u8, x, floats("w1", 0.5, 2, 2, 3, 3), floats("b1", 0.1, 2), nil)
	b := add(second, "b", u8, a, floats("w2", 0.5, 2, 2, 3, 3), floats("b2", 0.1, 2), a)
	p := add(&graph.Pool{Type: graph.AvgPoolExclusive, Global: true}, "mean", u8, b)
	y := add(fc, "scores", model.FP32, p, floats("w3", 0.5, 2, 3), floats("b3", 0.1, 3))
	y = add(&graph.Softmax{Axis: -1}, "p", model.FP32, y)
	g.Outputs = []graph.Output{{Name: "p", Value: y}}
	return g
}

// text spells a model, one thing a line. Of constants it has eight elements.
func text(m *pb.Model) string {
	var b strings.Builder
	fmt.Fprintf(&b, "IR %d, opset %d\n", m.GetIrVersion(), m.GetOpsetImport()[0].GetVersion())
	infos := func(what string, list []*pb.ValueInfo) {
		for _, v := range list {
			fmt.Fprintf(&b, "%s %s: %d %v\n", what, v.GetName(), v.GetType().GetTensorType().GetElemType(), dims(v))
		}
	}
	infos("input", m.Graph.Input)
	infos("output", m.Graph.Output)
	for _, c := range m.Graph.Initializer {
		fmt.Fprintf(&b, "constant %s: %d %v % x\n", c.GetName(), c.GetDataType(), c.GetDims(), c.RawData[:min(32, len(c.RawData))])
	}
	for _, n := range m.Graph.Node {
		fmt.Fprintf(&b, "%v = %s%v", n.Output, n.GetOpType(), n.Input)
		for _, a := range n.Attribute {
			switch a.GetType() {
			case attrInt:
				fmt.Fprintf(&b, " %s=%d", a.GetName(), a.GetI())
			case attrInts:
				fmt.Fprintf(&b, " %s=%v", a.GetName(), a.GetInts())
			default:
				fmt.Fprintf(&b, " %s=%s%g", a.GetName(), a.GetS(), a.GetF())
			}
		}
		b.WriteString("\n")
	}
	infos("value", m.Graph.ValueInfo)
	return b.String()
}

func dims(v *pb.ValueInfo) []string {
	var list []string
	for _, d := range v.GetType().GetTensorType().GetShape().GetDim() {
		switch {
		case d.DimValue != nil:
			list = append(list, fmt.Sprint(d.GetDimValue()))
		case d.DimParam != nil:
			list = append(list, d.GetDimParam())
		default:
			list = append(list, "?")
		}
	}
	return list
}
