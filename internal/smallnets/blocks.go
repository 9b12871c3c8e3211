package smallnets

import (
	"fmt"
	"testing"

	"github.com/octet-dnn/octet/graph"
)

var (
	hardSwish   = graph.Activation{Kind: graph.ActHardSwish, Alpha: 1. / 6, Beta: .5}
	hardSigmoid = graph.Activation{Kind: graph.ActHardSigmoid, Alpha: .2, Beta: .5}
)

// gate is a squeeze-and-excitation block: x times what its averages say.
func (n *net) gate(name string, x *graph.Value) *graph.Value {
	s := n.conv(name+"_squeeze", n.global(name+"_avg", x), 4, 1, relu, nil)
	g := n.conv(name+"_excite", s, n.ch[x], 1, hardSigmoid, nil)
	return n.layer(name, &graph.Binary{Type: graph.MulElem, Axis: -1}, n.ch[x], x, g)
}

func (n *net) add(name string, act graph.Activation, x, y *graph.Value) *graph.Value {
	return n.layer(name, &graph.Binary{Type: graph.Add, Axis: -1, Act: act}, n.ch[x], x, y)
}

func (n *net) norm(name string, x *graph.Value) *graph.Value {
	c := int64(n.ch[x])
	scale, bias := n.constant(name+"_scale", .1, c), n.constant(name+"_bias", .5, c)
	mean, variance := n.constant(name+"_mean", .5, c), n.constant(name+"_variance", .1, c)
	for i := range c {
		scale.Const.Float32s()[i]++
		variance.Const.Float32s()[i] = 1 + variance.Const.Float32s()[i]*variance.Const.Float32s()[i]
	}
	return n.layer(name, &graph.BatchNorm{Epsilon: 1e-5, Act: relu}, n.ch[x], x, scale, bias, mean, variance)
}

// blocks are networks whose integers pass through more than convolutions.
var blocks = map[string]func(t testing.TB) *graph.Graph{
	// MobileNetV3 and SE-ResNeXt: a gate in front of a convolution, and in front
	// of a sum.
	"gates": func(t testing.TB) *graph.Graph {
		n, x := newNet(t)
		x = n.conv("conv1", x, 8, 1, hardSwish, nil)
		x = n.conv("project", n.gate("se", n.conv("dw", x, 8, 8, hardSwish, nil)), 8, 1, relu, nil)
		y := n.conv("b_2", n.conv("b_1", x, 8, 2, relu, nil), 8, 1, none, nil)
		x = n.add("b_sum", relu, n.gate("b_se", y), x)
		return n.done(n.fc("fc", n.global("avg", n.conv("last", x, 8, 1, relu, nil)), 10, none))
	},
	// DenseNet: what every layer adds, joined and normalised in front of the next.
	"dense": func(t testing.TB) *graph.Graph {
		n, x := newNet(t)
		x = n.conv("transition", n.conv("conv1", x, 8, 1, relu, nil), 8, 1, none, nil)
		for i := range 3 {
			name := fmt.Sprintf("d%d", i)
			y := n.conv(name+"_1", n.norm(name+"_norm", x), 8, 1, relu, nil)
			x = n.concat(name, x, n.conv(name+"_3", y, 4, 1, none, nil))
		}
		return n.done(n.fc("fc", n.global("avg", n.norm("norm", x)), 10, none))
	},
	// ShuffleNet: half of the channels pass a unit by.
	"shuffle": func(t testing.TB) *graph.Graph {
		n, x := newNet(t)
		x = n.conv("stem", n.conv("conv1", x, 8, 1, relu, nil), 8, 1, relu, nil)
		for i := range 2 {
			name := fmt.Sprintf("u%d", i)
			l := &graph.Layer{Name: name + "_a", Op: &graph.Split{Axis: 1, Num: 2}, In: []*graph.Value{x}}
			for _, half := range []string{"_a", "_b"} {
				v := &graph.Value{Name: name + half, Producer: l}
				v.DType = x.DType
				l.Out, n.ch[v] = append(l.Out, v), 4
			}
			n.g.Layers = append(n.g.Layers, l)
			y := n.conv(name+"_dw", n.conv(name+"_1", l.Out[1], 4, 1, relu, nil), 4, 4, none, nil)
			x = n.concat(name+"_cat", l.Out[0], n.conv(name+"_2", y, 4, 1, relu, nil))
			x = n.layer(name, &graph.ShuffleChannel{Groups: 2}, 8, x)
		}
		return n.done(n.fc("fc", n.global("avg", n.conv("last", x, 8, 1, relu, nil)), 10, none))
	},
	// A feature pyramid: a coarse map doubled and added to a fine one.
	"pyramid": func(t testing.TB) *graph.Graph {
		n, x := newNet(t)
		fine := n.conv("fine", n.conv("conv1", x, 8, 1, relu, nil), 8, 1, relu, nil)
		half := n.layer("half", &graph.Pool{Type: graph.MaxPool, Kernel: [2]int{2, 2}, Strides: [2]int{2, 2}}, 8, fine)
		coarse := n.conv("coarse", half, 8, 1, relu, nil)
		up := n.layer("up", &graph.Resize{Nearest: true, ScaleH: 2, ScaleW: 2}, 8, coarse)
		return n.done(n.conv("out", n.add("sum", none, fine, up), 4, 1, none, nil))
	},
}
