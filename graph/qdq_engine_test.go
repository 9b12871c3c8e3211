package graph_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// TestQDQForEngine writes what Paddle's INT8 engine would compute otherwise than
// the program says: the ops around it keep the engine from that, and are gone
// when the program is loaded.
func TestQDQForEngine(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*graph.Graph)
		want string // some ops in a row
	}{
		{"concatenation of unsigned integers", func(g *graph.Graph) {
			between(g, "p", &graph.Concat{Axis: 2}, model.UInt8)
			p := layer(g, "p")
			c := p.In[0].Producer
			c.In = append(c.In, c.In[0])
		}, "concat relu quantize_linear dequantize_linear pool2d"},
		{"pool in FP32", func(g *graph.Graph) {
			between(g, "p", &graph.Dequantize{Scale: 42.5}, model.FP32)
			layer(g, "p").Out[0].DType = model.FP32
			between(g, "h", &graph.Quantize{Scale: 100}, model.UInt8)
			layer(g, "h").Op.(*graph.FC).Int8.ScaleIn = 100
		}, "assign pool2d! relu quantize_linear dequantize_linear"},
		{"sum in FP32", func(g *graph.Graph) {
			between(g, "p", &graph.Dequantize{Scale: 42.5}, model.FP32)
			p := layer(g, "p")
			d := p.In[0]
			between(g, "p", &graph.Binary{Type: graph.Add, Axis: -1, Act: graph.Activation{Kind: graph.ActReLU}}, model.FP32)
			p.In[0].Producer.In = []*graph.Value{d, d}
			between(g, "p", &graph.Quantize{Scale: 42.5}, model.UInt8)
		}, "sum! relu! quantize_linear dequantize_linear pool2d"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := quantizedNet(t)
			tt.edit(g)
			snap(g)
			if err := graph.Check(g); err != nil {
				t.Fatal(err)
			}
			m, err := graph.ToModel(g, graph.FormQDQ)
			if err != nil {
				t.Fatal(err)
			}
			if ops := spelled(m); !strings.Contains(ops, tt.want) {
				t.Errorf("got %s\nwant %s", ops, tt.want)
			}
			if diff := cmp.Diff(g.String(), throughQDQ(t, g).String()); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
		})
	}
}

// between puts a layer in front of the named one.
func between(g *graph.Graph, name string, op graph.Op, dt model.DType) {
	l := layer(g, name)
	out := &graph.Value{Name: "before_" + name, DType: dt}
	for _, other := range g.Layers {
		if other.Name == out.Name {
			out.Name += "_too"
		}
	}
	out.Producer = &graph.Layer{Name: out.Name, Op: op, In: []*graph.Value{l.In[0]}, Out: []*graph.Value{out}}
	l.In[0] = out
	g.Layers = slices.Insert(g.Layers, slices.Index(g.Layers, l), out.Producer)
}

// spelled lists the ops of m, with a mark at those that the engine must leave.
func spelled(m *model.Model) string {
	var list []string
	for _, op := range m.Program.Blocks[0].Ops {
		name := op.Type
		if slices.ContainsFunc(op.Attrs, func(a model.Attr) bool { return a.Name == "skip_quant" && a.Value == int32(1) }) {
			name += "!"
		}
		list = append(list, name)
	}
	return strings.Join(list, " ")
}
