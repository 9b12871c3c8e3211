package graph_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
	"github.com/octet-dnn/octet/internal/refrun"
	"github.com/octet-dnn/octet/model"
)

// A net builds small programs, in Paddle's words.
type net struct {
	*model.Block
	m    *model.Model
	rand *rand.Rand
}

func newNet() *net {
	m := model.New()
	return &net{m.Program.Blocks[0], m, rand.New(rand.NewPCG(1, 2))}
}

// param declares a parameter of random numbers in [low, low+1).
func (n *net) param(name string, low float32, dims ...int64) string {
	count := int64(1)
	for _, d := range dims {
		count *= d
	}
	x := make([]float32, count)
	for i := range x {
		x[i] = low + n.rand.Float32()
	}
	t, err := model.Float32Tensor(x, dims...)
	if err != nil {
		panic(err)
	}
	return n.m.AddParam(name, t)
}

// op appends an operator whose output variable is declared if it is new. in and
// out are slots with variables: "X x", "X a b".
func (n *net) op(typ, in, out string, attrs ...model.Attr) {
	slots := func(list string) (s []model.Slot) {
		for _, part := range strings.Split(list, ",") {
			words := strings.Fields(part)
			s = append(s, model.Slot{Name: words[0], Args: words[1:]})
		}
		return s
	}
	outs := slots(out)
	for _, s := range outs {
		for _, name := range s.Args {
			if n.Var(name) == nil {
				n.AddTensor(name, model.FP32, -1)
			}
		}
	}
	n.AddOp(typ, slots(in), outs, attrs...)
}

func (n *net) conv(x, y string, in, out, k int64, attrs ...model.Attr) {
	groups := int64(1)
	for _, a := range attrs {
		if a.Name == "groups" {
			groups = int64(a.Value.(int32))
		}
	}
	n.param(y+"_w", -.5, out, in/groups, k, k)
	pad := int32(k / 2)
	n.op("conv2d", "Input "+x+",Filter "+y+"_w", "Output "+y, append(attrs, model.IntsAttr("paddings", pad, pad))...)
}

func (n *net) bn(x, y string, channels int64) {
	for _, p := range []string{"scale", "bias", "mean", "var"} {
		n.param(y+"_"+p, .2, channels)
	}
	n.op("batch_norm", fmt.Sprintf("X %s,Scale %[2]s_scale,Bias %[2]s_bias,Mean %[2]s_mean,Variance %[2]s_var", x, y), "Y "+y,
		model.FloatAttr("epsilon", 1e-3))
}

func (n *net) add(x, y, out string, axis int32) {
	n.op("elementwise_add", "X "+x+",Y "+y, "Out "+out, model.IntAttr("axis", axis))
}

func (n *net) relu(x, y string) { n.op("relu", "X "+x, "Out "+y) }

// passCases are programs with the layers that must be left of them.
var passCases = []struct {
	name  string
	dims  []int64 // of the input x
	build func(*net)
	fetch string
	want  []string
}{
	{"conv, batch norm, relu", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "c", 3, 4, 3)
		n.bn("c", "b", 4)
		n.relu("b", "y")
	}, "y", []string{"conv y relu"}},
	{"bias along axis 1 before batch norm, relu6", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "c", 3, 4, 3)
		n.add("c", n.param("p", 0, 4), "s", 1)
		n.bn("s", "b", 4)
		n.op("relu6", "X b", "Out y")
	}, "y", []string{"conv y clip(0, 6)"}},
	{"bias reshaped by an op", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "c", 3, 4, 3)
		n.op("reshape2", "X "+n.param("p", 0, 4), "Out r", model.IntsAttr("shape", 1, -1, 1, 1))
		n.add("c", "r", "y", -1)
	}, "y", []string{"conv y"}},
	{"bias on the left", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "c", 3, 4, 3)
		n.add(n.param("p", 0, 1, 4, 1, 1), "c", "y", -1)
	}, "y", []string{"conv y"}},
	{"a row is no bias though it has the length of the channels", []int64{-1, 3, 4, 4}, func(n *net) {
		n.conv("x", "c", 3, 4, 3)
		n.add("c", n.param("p", 0, 4), "y", -1)
	}, "y", []string{"conv c", "binary y"}},
	{"a fetched intermediate stays", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "c", 3, 4, 3)
		n.bn("c", "b", 4)
		n.relu("b", "y")
		n.AddFetch("b")
	}, "y", []string{"conv b", "activation y relu"}},
	{"an intermediate with two readers stays", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "c", 3, 4, 3)
		n.bn("c", "b", 4)
		n.op("elementwise_mul", "X b,Y c", "Out y")
	}, "y", []string{"conv c", "batch_norm b", "binary y"}},
	{"grouped and depthwise", []int64{-1, 4, 6, 6}, func(n *net) {
		n.conv("x", "c", 4, 6, 3, model.IntAttr("groups", 2))
		n.bn("c", "b", 6)
		n.conv("b", "d", 6, 6, 3, model.IntAttr("groups", 6))
		n.bn("d", "y", 6)
	}, "y", []string{"conv b", "conv y"}},
	{"grouped transposed convolution", []int64{-1, 4, 5, 5}, func(n *net) {
		n.param("w", -.5, 4, 3, 3, 3)
		n.op("conv2d_transpose", "Input x,Filter w", "Output c", model.IntAttr("groups", 2),
			model.IntsAttr("strides", 2, 2), model.IntsAttr("paddings", 1, 1), model.IntsAttr("output_padding", 1, 1))
		n.bn("c", "b", 6)
		n.relu("b", "y")
	}, "y", []string{"deconv y relu"}},
	{"affine channel", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "c", 3, 4, 3)
		n.op("affine_channel", "X c,Scale "+n.param("s", .5, 4)+",Bias "+n.param("p", 0, 4), "Out y")
	}, "y", []string{"conv y"}},
	{"batch norm behind a pool", []int64{-1, 3, 6, 6}, func(n *net) {
		n.op("pool2d", "X x", "Out p", model.StringAttr("pooling_type", "max"), model.IntsAttr("ksize", 2, 2))
		n.bn("p", "b", 3)
		n.relu("b", "y")
	}, "y", []string{"pool p", "batch_norm y"}},
	{"fully connected of 1.x", []int64{-1, 2, 3, 3}, func(n *net) {
		n.op("mul", "X x,Y "+n.param("w", -.5, 18, 5), "Out m")
		n.add("m", n.param("p", 0, 5), "s", 1)
		n.bn("s", "b", 5)
		n.relu("b", "y")
	}, "y", []string{"fc y relu"}},
	{"fully connected of 2.x", []int64{-1, 2, 3, 3}, func(n *net) {
		n.op("flatten_contiguous_range", "X x", "Out f", model.IntAttr("start_axis", 1), model.IntAttr("stop_axis", 3))
		n.op("matmul_v2", "X f,Y "+n.param("w", -.5, 5, 18), "Out m", model.BoolAttr("trans_y", true))
		n.add("m", n.param("p", 0, 5), "y", -1)
	}, "y", []string{"fc y"}},
	{"matmul with alpha, over rows of rows", []int64{-1, 4, 6}, func(n *net) {
		n.op("matmul", "X x,Y "+n.param("w", -.5, 6, 5), "Out y", model.FloatAttr("alpha", .5))
	}, "y", []string{"fc y"}},
	{"dropout before a fully connected layer", []int64{-1, 6}, func(n *net) {
		n.op("dropout", "X x", "Out d", model.FloatAttr("dropout_prob", .4))
		n.op("mul", "X d,Y "+n.param("w", -.5, 6, 5), "Out y")
	}, "y", []string{"fc y"}},
	{"scales in a row", []int64{-1, 6}, func(n *net) {
		n.op("scale", "X x", "Out a", model.FloatAttr("scale", 2), model.FloatAttr("bias", 1))
		n.op("scale", "X a", "Out b", model.FloatAttr("scale", 3), model.FloatAttr("bias", 1), model.BoolAttr("bias_after_scale", false))
		n.op("scale", "X b", "Out y")
	}, "y", []string{"activation b linear(6, 6)"}},
	{"residual block", []int64{-1, 4, 6, 6}, func(n *net) {
		n.conv("x", "c1", 4, 4, 3)
		n.relu("c1", "r1")
		n.conv("r1", "c2", 4, 4, 3)
		n.bn("c2", "b2", 4)
		n.add("x", "b2", "s", -1)
		n.relu("s", "y")
	}, "y", []string{"conv r1 relu", "conv y relu + x"}},
	{"projection behind the main branch", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "c1", 3, 4, 3)
		n.conv("c1", "c2", 4, 4, 3)
		n.conv("x", "p", 3, 4, 1)
		n.add("p", "c2", "s", -1)
		n.relu("s", "y")
	}, "y", []string{"conv c1", "conv p", "conv y relu + p"}},
	{"twice the same is no residual", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "c", 3, 4, 3)
		n.add("c", "c", "y", -1)
	}, "y", []string{"conv c", "binary y"}},
	{"a broadcast sum is no residual", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "c", 3, 4, 3)
		n.op("pool2d", "X x", "Out p", model.StringAttr("pooling_type", "avg"), model.BoolAttr("global_pooling", true))
		n.conv("p", "d", 3, 4, 1)
		n.add("c", "d", "s", -1)
		n.relu("s", "y")
	}, "y", []string{"conv c", "pool p", "conv d", "binary y relu"}},
	{"an activation in between keeps the sum", []int64{-1, 4, 6, 6}, func(n *net) {
		n.conv("x", "c", 4, 4, 3)
		n.relu("c", "r")
		n.add("x", "r", "y", -1)
	}, "y", []string{"conv r relu", "binary y"}},
	{"sum of three", []int64{-1, 4, 6, 6}, func(n *net) {
		n.conv("x", "c", 4, 4, 3)
		n.relu("x", "r")
		n.op("sum", "X c x r", "Out y")
	}, "y", []string{"conv y@0 + x", "activation r relu", "binary y"}},
	{"in place", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "y", 3, 4, 3)
		n.bn("y", "y", 4)
		n.relu("y", "y")
		n.op("tanh", "X y", "Out z")
		n.relu("z", "y")
	}, "y", []string{"conv y@1 relu", "activation z tanh", "activation y relu"}},
	{"channels last", []int64{-1, 6, 6, 3}, func(n *net) {
		nhwc := model.StringAttr("data_format", "NHWC")
		n.conv("x", "c1", 3, 4, 3, nhwc)
		n.conv("c1", "y", 4, 4, 3, nhwc)
	}, "y", []string{"transpose c1@", "conv c1@", "conv y@", "transpose y"}},
	{"transpositions that do not cancel", []int64{-1, 6, 5, 3}, func(n *net) {
		n.op("transpose2", "X x", "Out t", model.IntsAttr("axis", 0, 2, 3, 1))
		n.op("transpose2", "X t", "Out y", model.IntsAttr("axis", 0, 2, 3, 1))
	}, "y", []string{"transpose t", "transpose y"}},
	{"two biases", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "c", 3, 4, 3)
		n.add("c", n.param("p", 0, 4), "s", 1)
		n.add("s", n.param("q", 0, 1), "y", -1)
	}, "y", []string{"conv y"}},
	{"pads that differ between sides", []int64{-1, 3, 6, 6}, func(n *net) {
		n.param("w", -.5, 4, 3, 3, 3)
		n.op("conv2d", "Input x,Filter w", "Output y", model.IntsAttr("paddings", 1, 1, 0, 2), model.IntsAttr("strides", 2, 1))
	}, "y", []string{"conv y"}},
	{"one bias, as it is and reshaped", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "c", 3, 4, 3)
		n.add("c", n.param("p", 0, 4), "s", 1)
		n.conv("s", "d", 4, 4, 3)
		n.op("reshape2", "X p", "Out r", model.IntsAttr("shape", 1, 4, 1, 1))
		n.add("d", "r", "y", -1)
	}, "y", []string{"conv s", "conv y"}},
	{"a reshape that makes more rows", []int64{-1, 4, 6}, func(n *net) {
		n.op("reshape2", "X x", "Out r", model.IntsAttr("shape", -1, 6))
		n.op("mul", "X r,Y "+n.param("w", -.5, 6, 5), "Out y")
	}, "y", []string{"reshape r", "fc y"}},
	{"one filter, two batch norms", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "c", 3, 4, 3)
		n.op("conv2d", "Input x,Filter c_w", "Output d", model.IntsAttr("paddings", 1, 1))
		n.bn("c", "bc", 4)
		n.bn("d", "bd", 4)
		n.op("elementwise_mul", "X bc,Y bd", "Out y")
	}, "y", []string{"conv bc", "conv bd", "binary y"}},
	{"dead code", []int64{-1, 3, 6, 6}, func(n *net) {
		n.conv("x", "y", 3, 4, 3)
		n.relu("y", "unused")
		n.conv("unused", "unused2", 4, 4, 3)
	}, "y", []string{"conv y"}},
	{"reflected padding through five dims", []int64{-1, 3, 6, 6}, func(n *net) {
		n.op("unsqueeze2", "X x", "Out u", model.IntsAttr("axes", 2))
		n.op("pad3d", "X u", "Out p", model.StringAttr("mode", "reflect"), model.IntsAttr("paddings", 1, 2, 3, 1, 0, 0))
		n.op("squeeze2", "X p", "Out y", model.IntsAttr("axes", 2))
	}, "y", []string{"pad y"}},
	{"padding of the axis that was put in", []int64{-1, 3, 6, 6}, func(n *net) {
		n.op("unsqueeze2", "X x", "Out u", model.IntsAttr("axes", 2))
		n.op("pad3d", "X u", "Out p", model.IntsAttr("paddings", 1, 2, 3, 1, 1, 0))
		n.op("squeeze2", "X p", "Out y", model.IntsAttr("axes", 2))
	}, "y", []string{"reshape u", "pad p", "reshape y"}},
	{"nothing but copies", []int64{-1, 3}, func(n *net) {
		n.op("assign", "X x", "Out a")
		n.op("dropout", "X a", "Out y", model.StringAttr("dropout_implementation", "upscale_in_train"))
	}, "y", nil},
}

// brief lists the layers as "kind name activation + residual".
func brief(g *graph.Graph) []string {
	var out []string
	for _, l := range g.Layers {
		words := []string{l.Op.Kind(), l.Name}
		var act graph.Activation
		switch op := l.Op.(type) {
		case *graph.Conv:
			act = op.Act
		case *graph.Deconv:
			act = op.Act
		case *graph.FC:
			act = op.Act
		case *graph.Binary:
			act = op.Act
		case *graph.Act:
			act = op.Activation
		}
		if act.Kind != graph.ActNone {
			words = append(words, act.String())
		}
		if _, ok := l.Op.(*graph.Conv); ok && l.In[3] != nil {
			words = append(words, "+", l.In[3].Name)
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

// TestPasses fuses small programs: what is left must be as drawn, must be well
// formed, must compute the same as before, and must survive export and import.
func TestPasses(t *testing.T) {
	// Folding changes the order of float32 roundings: a few units of 2^-24 each.
	const tolerance = 2e-6
	for _, tt := range passCases {
		t.Run(tt.name, func(t *testing.T) {
			n := newNet()
			n.AddFeed("x", model.FP32, tt.dims...)
			tt.build(n)
			n.AddFetch(tt.fetch)
			plain, err := graph.Import(n.m)
			if err != nil {
				t.Fatal(err)
			}
			fused := plain.Clone()
			if err := graph.Optimize(fused); err != nil {
				t.Fatal(err)
			}
			got := brief(fused)
			for i := range got {
				if i < len(tt.want) && strings.HasSuffix(tt.want[i], "@") { // a name made up on the way
					got[i] = got[i][:min(len(tt.want[i]), len(got[i]))]
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("layers (-want +got):\n%s", diff)
			}
			sameResults(t, plain, fused, tolerance)
			for _, form := range []graph.Form{graph.FormFused, graph.FormV13} {
				m, err := graph.ToModel(fused, form)
				if err != nil {
					t.Fatalf("%v: %v", form, err)
				}
				again, err := graph.Build(m)
				if err != nil {
					t.Fatalf("%v: %v", form, err)
				}
				if diff := cmp.Diff(brief(fused), brief(again)); diff != "" {
					t.Errorf("%v: layers after export and import (-before +after):\n%s", form, diff)
				}
				sameResults(t, fused, again, 0)
			}
		})
	}
}

// sameResults checks both graphs and runs them on the same random input.
func sameResults(t *testing.T, a, b *graph.Graph, tolerance float64) {
	t.Helper()
	var want []*ref.Tensor
	for i, g := range []*graph.Graph{a, b} {
		if err := graph.Check(g); err != nil {
			t.Fatal(err)
		}
		shapes, err := g.InputShapes(2)
		if err != nil {
			t.Fatal(err)
		}
		x := ref.NewTensor(ref.F32, shapes[0]...)
		r := rand.New(rand.NewPCG(3, 4))
		for i := range x.Data {
			x.Data[i] = float64(float32(r.NormFloat64()))
		}
		values, err := refrun.Run(g, []*ref.Tensor{x})
		if err != nil {
			t.Fatal(err)
		}
		for j, o := range g.Outputs {
			got := values[o.Value]
			if i == 0 {
				want = append(want, got)
				continue
			}
			if d := distance(want[j].Data, got.Data); !(d <= tolerance) {
				t.Errorf("output %q differs by %.3g (relative), want at most %.3g", o.Name, d, tolerance)
			}
		}
	}
}

// distance is the largest difference, measured against the largest magnitude.
func distance(a, b []float64) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	diff, size := 0.0, 1e-30
	for i := range a {
		size = max(size, math.Abs(a[i]))
		diff = max(diff, math.Abs(a[i]-b[i]))
	}
	return diff / size
}

// lrn2 writes local_response_norm as Paddle 2.x does, over [-1,6,4,4], with
// paddings in front of and behind the channels.
func lrn2(front, back int32) *net {
	n := newNet()
	n.AddFeed("x", model.FP32, -1, 6, 4, 4)
	n.op("elementwise_mul", "X x,Y x", "Out sq")
	n.op("unsqueeze2", "X sq", "Out u", model.IntsAttr("axes", 1))
	n.op("pad3d", "X u", "Out p", model.IntsAttr("paddings", 0, 0, 0, 0, front, back))
	n.op("pool3d", "X p", "Out avg", model.StringAttr("pooling_type", "avg"), model.IntsAttr("ksize", 5, 1, 1),
		model.IntsAttr("strides", 1, 1, 1), model.IntsAttr("paddings", 0, 0, 0))
	n.op("squeeze2", "X avg", "Out q", model.IntsAttr("axes", 1))
	n.op("scale", "X q", "Out s", model.FloatAttr("scale", .5), model.FloatAttr("bias", 2))
	n.op("pow", "X s", "Out d", model.FloatAttr("factor", .75))
	n.op("elementwise_div", "X x,Y d", "Out y")
	n.AddFetch("y")
	return n
}

// TestLRN2 compares the pattern of Paddle 2.x with the op of 1.x, whose alpha is
// not divided by the size of the window.
func TestLRN2(t *testing.T) {
	got, err := graph.Build(lrn2(2, 2).m)
	if err != nil {
		t.Fatal(err)
	}
	n := newNet()
	n.AddFeed("x", model.FP32, -1, 6, 4, 4)
	n.op("lrn", "X x", "Out y", model.IntAttr("n", 5), model.FloatAttr("alpha", .1), model.FloatAttr("beta", .75), model.FloatAttr("k", 2))
	n.AddFetch("y")
	want, err := graph.Build(n.m)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(brief(want), brief(got)); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
	sameResults(t, want, got, 1e-7)
}

// TestLRN2Lookalikes changes the pattern: it is then no normalisation, and the
// 3-d pooling that stays is unsupported.
func TestLRN2Lookalikes(t *testing.T) {
	two := lrn2(2, 2)
	two.AddFetch("sq")
	power := lrn2(2, 2)
	power.find("elementwise_mul").Inputs[1].Args[0] = power.AddFeed("x2", model.FP32, -1, 6, 4, 4)
	for name, n := range map[string]*net{"window off centre": lrn2(3, 1), "squares fetched": two, "no squares": power} {
		if _, err := graph.Build(n.m); !errors.Is(err, graph.ErrUnsupported) {
			t.Errorf("%s: got error %v, want an unsupported pool3d", name, err)
		}
	}
}
