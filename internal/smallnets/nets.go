// Package smallnets builds small networks by hand, for tests of what works on
// graphs: one for each structure that matters. Their weights are seeded.
package smallnets

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A net builds graphs by hand, in the form that graph.Build gives them.
type net struct {
	t  testing.TB
	g  *graph.Graph
	r  *rand.Rand
	ch map[*graph.Value]int
}

var (
	none   = graph.Activation{}
	relu   = graph.Activation{Kind: graph.ActReLU}
	clip6  = graph.Activation{Kind: graph.ActClip, Beta: 6}
	swish  = graph.Activation{Kind: graph.ActSwish, Alpha: 1}
	middle = graph.Activation{Kind: graph.ActClip, Alpha: 1, Beta: 6}
)

func newNet(t testing.TB) (*net, *graph.Value) {
	n := &net{t: t, g: &graph.Graph{Name: t.Name()}, r: rand.New(rand.NewPCG(1, 4)), ch: make(map[*graph.Value]int)}
	x := &graph.Value{Name: "image", DType: model.FP32, Dims: []int64{-1, 3, 16, 16}}
	n.g.Inputs = []*graph.Value{x}
	n.ch[x] = 3
	return n, x
}

// constant makes normally distributed weights.
func (n *net) constant(name string, sigma float64, dims ...int64) *graph.Value {
	count := int64(1)
	for _, d := range dims {
		count *= d
	}
	x := make([]float32, count)
	for i := range x {
		x[i] = float32(n.r.NormFloat64() * sigma)
	}
	t, err := model.Float32Tensor(x, dims...)
	if err != nil {
		n.t.Fatal(err)
	}
	return &graph.Value{Name: name, DType: model.FP32, Dims: dims, Const: t}
}

func (n *net) layer(name string, op graph.Op, channels int, in ...*graph.Value) *graph.Value {
	l := &graph.Layer{Name: name, Op: op, In: in}
	y := &graph.Value{Name: name, DType: model.FP32, Producer: l}
	l.Out = []*graph.Value{y}
	n.g.Layers = append(n.g.Layers, l)
	n.ch[y] = channels
	return y
}

// conv is a 3×3 convolution of stride 1, with an optional residual.
func (n *net) conv(name string, x *graph.Value, out, groups int, act graph.Activation, residual *graph.Value) *graph.Value {
	w := n.constant(name+"_w", 0.25, int64(out), int64(n.ch[x]/groups), 3, 3)
	b := n.constant(name+"_b", 0.1, int64(out))
	op := &graph.Conv{Strides: [2]int{1, 1}, Dilations: [2]int{1, 1}, Pads: [4]int{1, 1, 1, 1}, Groups: groups, Act: act}
	return n.layer(name, op, out, x, w, b, residual)
}

func (n *net) pool(name string, kind graph.PoolKind, x *graph.Value) *graph.Value {
	return n.layer(name, &graph.Pool{Type: kind, Kernel: [2]int{3, 3}, Strides: [2]int{1, 1}, Pads: [4]int{1, 1, 1, 1}}, n.ch[x], x)
}

func (n *net) global(name string, x *graph.Value) *graph.Value {
	return n.layer(name, &graph.Pool{Type: graph.AvgPoolExclusive, Global: true, Strides: [2]int{1, 1}}, n.ch[x], x)
}

func (n *net) fc(name string, x *graph.Value, out int, act graph.Activation) *graph.Value {
	w := n.constant(name+"_w", 0.3, int64(n.ch[x]), int64(out))
	return n.layer(name, &graph.FC{NumColDims: 1, Act: act}, out, x, w, n.constant(name+"_b", 0.1, int64(out)))
}

func (n *net) concat(name string, xs ...*graph.Value) *graph.Value {
	channels := 0
	for _, x := range xs {
		channels += n.ch[x]
	}
	return n.layer(name, &graph.Concat{Axis: 1}, channels, xs...)
}

func (n *net) softmax(name string, x *graph.Value) *graph.Value {
	return n.layer(name, &graph.Softmax{Axis: -1}, n.ch[x], x)
}

// done fetches the values and checks the graph.
func (n *net) done(outputs ...*graph.Value) *graph.Graph {
	n.t.Helper()
	for _, v := range outputs {
		n.g.Outputs = append(n.g.Outputs, graph.Output{Name: v.Name, Value: v})
	}
	if err := graph.Optimize(n.g); err != nil { // as Build does
		n.t.Fatal(err)
	}
	if err := graph.Check(n.g); err != nil {
		n.t.Fatalf("the test's own graph: %v", err)
	}
	return n.g
}

// All returns the builders of the networks by name. Their input is [N,3,16,16].
func All() map[string]func(testing.TB) *graph.Graph {
	all := maps.Clone(classic)
	maps.Copy(all, blocks)
	return all
}

// classic are networks of convolutions.
var classic = map[string]func(t testing.TB) *graph.Graph{
	// ResNet: a block with a projection (signed residual), one without.
	"resnet": func(t testing.TB) *graph.Graph {
		n, x := newNet(t)
		x = n.pool("pool1", graph.MaxPool, n.conv("conv1", x, 8, 1, relu, nil))
		shortcut := n.conv("a_shortcut", x, 16, 1, none, nil)
		y := n.conv("a_sum", n.conv("a_1", x, 8, 1, relu, nil), 16, 1, relu, shortcut)
		z := n.conv("b_sum", n.conv("b_1", y, 8, 1, relu, nil), 16, 1, relu, y)
		return n.done(n.softmax("prob", n.fc("fc", n.global("avg", z), 10, none)))
	},
	// MobileNet: depthwise convolutions and relu6.
	"mobilenet": func(t testing.TB) *graph.Graph {
		n, x := newNet(t)
		x = n.conv("conv1", x, 8, 1, clip6, nil)
		for i := range 3 {
			x = n.conv(fmt.Sprintf("dw%d", i), x, n.ch[x], n.ch[x], clip6, nil)
			x = n.conv(fmt.Sprintf("pw%d", i), x, 16, 1, clip6, nil)
		}
		return n.done(n.softmax("prob", n.fc("fc", n.global("avg", x), 10, none)))
	},
	// MobileNetV2: linear bottlenecks; the sum and the residual are signed.
	"bottleneck": func(t testing.TB) *graph.Graph {
		n, x := newNet(t)
		x = n.conv("linear", n.conv("conv1", x, 8, 1, clip6, nil), 8, 1, none, nil)
		x = n.conv("sum", n.conv("dw", n.conv("expand", x, 16, 1, clip6, nil), 16, 16, clip6, nil), 8, 1, none, x)
		return n.done(n.fc("fc", n.global("avg", x), 10, none))
	},
	// Inception: branches of different ranges into one concatenation, twice.
	"inception": func(t testing.TB) *graph.Graph {
		n, x := newNet(t)
		x = n.conv("conv1", x, 8, 1, relu, nil)
		for _, b := range []string{"a", "b"} {
			x = n.concat(b+"_concat",
				n.conv(b+"_1", x, 4, 1, relu, nil),
				n.conv(b+"_3", n.conv(b+"_2", x, 4, 1, relu, nil), 4, 1, relu, nil),
				n.pool(b+"_pool", graph.AvgPoolExclusive, x))
		}
		turned := n.layer("turned", &graph.Transpose{Perm: []int{0, 1, 3, 2}}, n.ch[x], x)
		return n.done(n.softmax("prob", n.fc("fc2", n.fc("fc1", n.global("avg", turned), 12, relu), 10, none)))
	},
	// VGG-like head, an activation that fc cannot give as integers, a clip from 1.
	"heads": func(t testing.TB) *graph.Graph {
		n, x := newNet(t)
		x = n.conv("conv2", n.conv("conv1", x, 8, 1, relu, nil), 8, 1, middle, nil)
		x = n.conv("conv3", x, 8, 1, swish, nil)
		y := n.fc("fc1", n.global("avg", x), 12, clip6)
		return n.done(n.fc("fc2", n.fc("fc3", y, 12, relu), 10, none))
	},
	// Signed and unsigned values in one concatenation; a value read as integers,
	// as reals and fetched; an unsigned residual of a signed sum.
	"mixed": func(t testing.TB) *graph.Graph {
		n, x := newNet(t)
		x = n.conv("conv1", x, 8, 1, relu, nil)
		signed := n.conv("signed", x, 8, 1, none, nil)
		unsigned := n.conv("unsigned", x, 8, 1, relu, nil)
		both := n.concat("both", signed, unsigned)
		y := n.conv("linear", both, 8, 1, none, unsigned)
		z := n.conv("last", y, 8, 1, relu, nil)
		act := n.layer("sigmoid", &graph.Act{Activation: graph.Activation{Kind: graph.ActSigmoid}}, 8, unsigned)
		return n.done(z, unsigned, act, n.conv("branch", unsigned, 4, 1, none, nil))
	},
}
