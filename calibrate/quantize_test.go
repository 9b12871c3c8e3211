package calibrate

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/refdata"
	"github.com/octet-dnn/octet/internal/smallnets"
	"github.com/octet-dnn/octet/model"
)

var nets = smallnets.All()

// tableFor returns a table of g with thresholds drawn at random.
func tableFor(g *graph.Graph, seed uint64) *Table {
	r := rand.New(rand.NewPCG(seed, 5))
	t := &Table{Model: "test", Algorithm: Max, Batches: 1}
	for _, w := range watchList(g, None) {
		t.Entries = append(t.Entries, Entry{w.name, w.dtype(), 0.5 + 20*r.Float64()})
	}
	return t
}

// equalThresholds returns a table in which no tensors differ too much to be
// joined.
func equalThresholds(g *graph.Graph) *Table {
	t := tableFor(g, 1)
	for i := range t.Entries {
		t.Entries[i].Threshold = 2
	}
	return t
}

func mustQuantize(t testing.TB, g *graph.Graph, table *Table, o Options) *graph.Graph {
	t.Helper()
	q, err := Quantize(g, table, o)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// allOptions are all combinations of what changes the placement.
func allOptions() []Options {
	var all []Options
	for i := range 8 {
		for r := ResidualFP32; r <= ResidualPaddle13; r++ {
			all = append(all, Options{FirstConvINT8: i&1 != 0, FP32FullyConnected: i&2 != 0, INT8AveragePool: i&4 != 0, Residual: r})
		}
	}
	return append(all, Options{FP32Elementwise: true})
}

func describe(o Options) string {
	return fmt.Sprintf("first=%v,fp32fc=%v,int8avg=%v,fp32el=%v,residual=%d", o.FirstConvINT8, o.FP32FullyConnected, o.INT8AveragePool, o.FP32Elementwise, o.Residual)
}

// Every INT8 graph keeps the rules, whatever the network and the options.
func TestQuantizeInvariants(t *testing.T) {
	for name, build := range nets {
		for i, o := range allOptions() {
			t.Run(name+"/"+describe(o), func(t *testing.T) {
				g := build(t)
				before := dump(g)
				q := mustQuantize(t, g, tableFor(g, uint64(i)), o)
				if d := cmp.Diff(before, dump(g)); d != "" {
					t.Errorf("Quantize changed its argument:\n%s", d)
				}
				checkInvariants(t, q)
				for _, form := range []graph.Form{graph.FormFused, graph.FormV13, graph.FormQDQ} {
					if m, err := graph.ToModel(q, form); form == graph.FormQDQ && saturates(q) {
						if !errors.Is(err, graph.ErrUnsupported) {
							t.Errorf("as qdq: got error %v, want that saturation at 127 cannot be said", err)
						}
					} else if err != nil {
						t.Errorf("as %v: %v", form, err)
					} else if back, err := graph.Build(m); err != nil {
						t.Errorf("as %v and back: %v", form, err)
					} else if d := cmp.Diff(dump(q), dump(back)); d != "" {
						t.Errorf("as %v and back (-before +after):\n%s", form, d)
					}
				}
			})
		}
	}
}

func saturates(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Layers, func(l *graph.Layer) bool {
		c, ok := l.Op.(*graph.Conv)
		return ok && c.Int8 != nil && c.Int8.SaturateS8
	})
}

// checkInvariants holds q against the rules that need no expected result.
func checkInvariants(t *testing.T, q *graph.Graph) {
	t.Helper()
	// Types and scales fit along every edge, and through what passes integers on.
	if err := graph.Check(q); err != nil {
		t.Errorf("graph.Check: %v", err)
	}
	converted := make(map[string]string)
	for _, l := range q.Layers {
		switch op := l.Op.(type) {
		case *graph.Quantize, *graph.Dequantize:
			x := l.In[0]
			if x.Producer != nil {
				switch x.Producer.Op.(type) {
				case *graph.Quantize, *graph.Dequantize:
					t.Errorf("%s of %q right behind %s", op.Kind(), x.Name, x.Producer.Op.Kind())
				}
			}
			if other, ok := converted[x.Name]; ok {
				t.Errorf("%q is converted twice: %q and %q", x.Name, other, l.Name)
			}
			converted[x.Name] = l.Name
			if len(readers(q, l.Out[0])) == 0 {
				t.Errorf("nobody reads %q", l.Name)
			}
		case *graph.Conv:
			checkInt8(t, q, l, op.Int8, op.Act)
		case *graph.FC:
			checkInt8(t, q, l, op.Int8, op.Act)
		}
	}
	for _, o := range q.Outputs {
		if o.Value.DType == model.UInt8 || o.Value.DType == model.Int8 {
			t.Errorf("output %q is %v", o.Name, o.Value.DType)
		}
	}
}

func checkInt8(t *testing.T, q *graph.Graph, l *graph.Layer, a *graph.Int8, act graph.Activation) {
	t.Helper()
	if a == nil {
		return
	}
	y := l.Out[0]
	if a.ForceFP32 {
		// Nothing is gained by a real result that everybody quantises again,
		// unless integers cannot be had.
		for _, r := range readers(q, y) {
			if _, ok := r.Op.(*graph.Quantize); ok && graph.GivesIntegers(l.Op) {
				t.Errorf("%q gives reals, which %q quantises", l.Name, r.Name)
			}
		}
		return
	}
	if want := map[bool]model.DType{true: model.UInt8, false: model.Int8}[act.Unsigned()]; y.DType != want {
		t.Errorf("%q gives %v with activation %v", l.Name, y.DType, act)
	}
	onlyReals := true
	for _, r := range readers(q, y) {
		_, ok := r.Op.(*graph.Dequantize)
		onlyReals = onlyReals && ok && !readByLightOnly(q, r.Out[0])
	}
	if onlyReals && residualOf(l) == nil {
		t.Errorf("%q gives integers that are only dequantised", l.Name)
	}
}

// readByLightOnly reports whether all readers of a dequantised map are layers
// that executors run from integers.
func readByLightOnly(q *graph.Graph, v *graph.Value) bool {
	return !slices.ContainsFunc(readers(q, v), func(l *graph.Layer) bool {
		switch l.Op.(type) {
		case *graph.Binary, *graph.BatchNorm, *graph.Pool:
			return false
		}
		return true
	})
}

func readers(g *graph.Graph, v *graph.Value) []*graph.Layer {
	var all []*graph.Layer
	for _, l := range g.Layers {
		if slices.Contains(l.In, v) {
			all = append(all, l)
		}
	}
	for _, o := range g.Outputs {
		if o.Value == v {
			all = append(all, &graph.Layer{Name: "fetch " + o.Name, Op: &graph.Identity{}})
		}
	}
	return all
}

// dump writes a graph as lines, everything that a result depends on but the
// numbers of the weights.
func dump(g *graph.Graph) []string {
	var lines []string
	names := func(vs []*graph.Value) string {
		var s []string
		for _, v := range vs {
			switch {
			case v == nil:
				s = append(s, "-")
			case v.Const != nil: // the QDQ form stores weights as s8
				s = append(s, v.Name)
			default:
				s = append(s, fmt.Sprintf("%s:%v", v.Name, v.DType))
			}
		}
		return strings.Join(s, " ")
	}
	for _, l := range g.Layers {
		op := fmt.Sprintf("%+v", l.Op)
		switch o := l.Op.(type) {
		case *graph.Conv:
			c := *o
			c.Int8 = nil
			op = fmt.Sprintf("%+v int8 %+v", c, o.Int8)
		case *graph.FC:
			op = fmt.Sprintf("fc %d %v int8 %+v", o.NumColDims, o.Act, o.Int8)
		}
		lines = append(lines, fmt.Sprintf("%s = %s %s (%s)", names(l.Out), l.Op.Kind(), op, names(l.In)))
	}
	for _, o := range g.Outputs {
		lines = append(lines, fmt.Sprintf("fetch %s = %s", o.Name, o.Value.Name))
	}
	return lines
}

// outline writes where integers flow: one line a layer, f for FP32.
func outline(g *graph.Graph) string {
	var b strings.Builder
	kind := map[model.DType]string{model.FP32: "f", model.UInt8: "u8", model.Int8: "s8"}
	for _, l := range g.Layers {
		var in []string
		for _, v := range l.In {
			if v != nil && v.Const == nil {
				in = append(in, fmt.Sprintf("%s %s", v.Name, kind[v.DType]))
			}
		}
		fmt.Fprintf(&b, "%s %s <- %s(%s)\n", l.Name, kind[l.Out[0].DType], l.Op.Kind(), strings.Join(in, ", "))
	}
	return b.String()
}

// Where integers flow in two networks, in full.
func TestQuantizePlacement(t *testing.T) {
	for _, c := range []struct {
		name, net string
		o         Options
		want      string
	}{
		{"residual in FP32", "resnet", Options{}, `
conv1 f <- conv(image f)
quantize_0_tmp u8 <- quantize(conv1 f)
pool1 u8 <- pool(quantize_0_tmp u8)
a_shortcut f <- conv(pool1 u8)
a_1 u8 <- conv(pool1 u8)
a_sum.conv f <- conv(a_1 u8)
a_sum f <- binary(a_sum.conv f, a_shortcut f)
quantize_1_tmp u8 <- quantize(a_sum f)
b_1 u8 <- conv(quantize_1_tmp u8)
b_sum u8 <- conv(b_1 u8, quantize_1_tmp u8)
dequantize_0_tmp f <- dequantize(b_sum u8)
avg f <- pool(dequantize_0_tmp f)
quantize_2_tmp u8 <- quantize(avg f)
fc f <- fc(quantize_2_tmp u8)
prob f <- softmax(fc f)
`},
		{"all the other way", "resnet", Options{FirstConvINT8: true, FP32FullyConnected: true, Residual: ResidualS8}, `
quantize_0_tmp s8 <- quantize(image f)
conv1 u8 <- conv(quantize_0_tmp s8)
pool1 u8 <- pool(conv1 u8)
a_shortcut s8 <- conv(pool1 u8)
a_1 u8 <- conv(pool1 u8)
a_sum u8 <- conv(a_1 u8, a_shortcut s8)
b_1 u8 <- conv(a_sum u8)
b_sum u8 <- conv(b_1 u8, a_sum u8)
dequantize_0_tmp f <- dequantize(b_sum u8)
avg f <- pool(dequantize_0_tmp f)
fc f <- fc(avg f)
prob f <- softmax(fc f)
`},
		{"averages of integers", "mobilenet", Options{INT8AveragePool: true}, `
conv1 f <- conv(image f)
quantize_0_tmp u8 <- quantize(conv1 f)
dw0 u8 <- conv(quantize_0_tmp u8)
pw0 u8 <- conv(dw0 u8)
dw1 u8 <- conv(pw0 u8)
pw1 u8 <- conv(dw1 u8)
dw2 u8 <- conv(pw1 u8)
pw2 u8 <- conv(dw2 u8)
avg u8 <- pool(pw2 u8)
fc f <- fc(avg u8)
prob f <- softmax(fc f)
`},
		{"gates", "gates", Options{}, `
conv1 f <- conv(image f)
quantize_0_tmp s8 <- quantize(conv1 f)
dw s8 <- conv(quantize_0_tmp s8)
dequantize_0_tmp f <- dequantize(dw s8)
se_avg f <- pool(dequantize_0_tmp f)
quantize_1_tmp s8 <- quantize(se_avg f)
se_squeeze u8 <- conv(quantize_1_tmp s8)
se_excite f <- conv(se_squeeze u8)
se f <- binary(dequantize_0_tmp f, se_excite f)
quantize_2_tmp s8 <- quantize(se f)
project u8 <- conv(quantize_2_tmp s8)
dequantize_1_tmp f <- dequantize(project u8)
b_1 u8 <- conv(project u8)
b_2 s8 <- conv(b_1 u8)
dequantize_2_tmp f <- dequantize(b_2 s8)
b_se_avg f <- pool(dequantize_2_tmp f)
quantize_3_tmp s8 <- quantize(b_se_avg f)
b_se_squeeze u8 <- conv(quantize_3_tmp s8)
b_se_excite f <- conv(b_se_squeeze u8)
b_se f <- binary(dequantize_2_tmp f, b_se_excite f)
b_sum f <- binary(b_se f, dequantize_1_tmp f)
quantize_4_tmp u8 <- quantize(b_sum f)
last f <- conv(quantize_4_tmp u8)
avg f <- pool(last f)
quantize_5_tmp u8 <- quantize(avg f)
fc f <- fc(quantize_5_tmp u8)
`},
		{"gates in FP32", "gates", Options{FP32Elementwise: true}, `
conv1 f <- conv(image f)
quantize_0_tmp s8 <- quantize(conv1 f)
dw f <- conv(quantize_0_tmp s8)
se_avg f <- pool(dw f)
quantize_1_tmp s8 <- quantize(se_avg f)
se_squeeze u8 <- conv(quantize_1_tmp s8)
se_excite f <- conv(se_squeeze u8)
se f <- binary(dw f, se_excite f)
quantize_2_tmp s8 <- quantize(se f)
project u8 <- conv(quantize_2_tmp s8)
dequantize_0_tmp f <- dequantize(project u8)
b_1 u8 <- conv(project u8)
b_2 f <- conv(b_1 u8)
b_se_avg f <- pool(b_2 f)
quantize_3_tmp s8 <- quantize(b_se_avg f)
b_se_squeeze u8 <- conv(quantize_3_tmp s8)
b_se_excite f <- conv(b_se_squeeze u8)
b_se f <- binary(b_2 f, b_se_excite f)
b_sum f <- binary(b_se f, dequantize_0_tmp f)
quantize_4_tmp u8 <- quantize(b_sum f)
last f <- conv(quantize_4_tmp u8)
avg f <- pool(last f)
quantize_5_tmp u8 <- quantize(avg f)
fc f <- fc(quantize_5_tmp u8)
`},
		{"channel shuffles", "shuffle", Options{}, `
conv1 f <- conv(image f)
quantize_0_tmp u8 <- quantize(conv1 f)
stem u8 <- conv(quantize_0_tmp u8)
u0_a u8 <- split(stem u8)
u0_1 u8 <- conv(u0_b u8)
u0_dw s8 <- conv(u0_1 u8)
u0_2 u8 <- conv(u0_dw s8)
u0_cat u8 <- concat(u0_a u8, u0_2 u8)
u0 u8 <- shuffle_channel(u0_cat u8)
u1_a u8 <- split(u0 u8)
u1_1 u8 <- conv(u1_b u8)
u1_dw s8 <- conv(u1_1 u8)
u1_2 u8 <- conv(u1_dw s8)
u1_cat u8 <- concat(u1_a u8, u1_2 u8)
u1 u8 <- shuffle_channel(u1_cat u8)
last f <- conv(u1 u8)
avg f <- pool(last f)
quantize_1_tmp u8 <- quantize(avg f)
fc f <- fc(quantize_1_tmp u8)
`},
		{"linear bottleneck", "bottleneck", Options{}, `
conv1 f <- conv(image f)
quantize_0_tmp u8 <- quantize(conv1 f)
linear s8 <- conv(quantize_0_tmp u8)
expand u8 <- conv(linear s8)
dw u8 <- conv(expand u8)
sum s8 <- conv(dw u8, linear s8)
dequantize_0_tmp f <- dequantize(sum s8)
avg f <- pool(dequantize_0_tmp f)
quantize_1_tmp s8 <- quantize(avg f)
fc f <- fc(quantize_1_tmp s8)
`},
		{"mixed signs and kinds", "mixed", Options{}, `
conv1 f <- conv(image f)
quantize_0_tmp u8 <- quantize(conv1 f)
signed f <- conv(quantize_0_tmp u8)
unsigned.int8 u8 <- conv(quantize_0_tmp u8)
unsigned f <- dequantize(unsigned.int8 u8)
both f <- concat(signed f, unsigned f)
quantize_1_tmp s8 <- quantize(both f)
linear.conv f <- conv(quantize_1_tmp s8)
linear f <- binary(linear.conv f, unsigned f)
quantize_2_tmp s8 <- quantize(linear f)
last f <- conv(quantize_2_tmp s8)
sigmoid f <- activation(unsigned f)
branch f <- conv(unsigned.int8 u8)
`},
		{"activations without integers", "heads", Options{}, `
conv1 f <- conv(image f)
quantize_0_tmp u8 <- quantize(conv1 f)
conv2 f <- conv(quantize_0_tmp u8)
quantize_1_tmp u8 <- quantize(conv2 f)
conv3 f <- conv(quantize_1_tmp u8)
avg f <- pool(conv3 f)
quantize_2_tmp s8 <- quantize(avg f)
fc1 f <- fc(quantize_2_tmp s8)
quantize_3_tmp u8 <- quantize(fc1 f)
fc3 u8 <- fc(quantize_3_tmp u8)
fc2 f <- fc(fc3 u8)
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := nets[c.net](t)
			q := mustQuantize(t, g, equalThresholds(g), c.o)
			want := strings.Split(strings.TrimSpace(c.want), "\n")
			if d := cmp.Diff(want, strings.Split(strings.TrimSpace(outline(q)), "\n")); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// Tensors whose ranges differ by more than a factor of eight keep scales of
// their own: they are joined as reals.
func TestSpread(t *testing.T) {
	for _, c := range []struct {
		threshold float64
		want      model.DType
	}{{2. / 8, model.Int8}, {2. / 9, model.FP32}} {
		g := nets["dense"](t)
		table := equalThresholds(g)
		for i := range table.Entries {
			if table.Entries[i].Name == "d0_3" {
				table.Entries[i].Threshold = c.threshold
			}
		}
		q := mustQuantize(t, g, table, Options{INT8AveragePool: true})
		checkInvariants(t, q)
		if got := find(t, q, "d0").DType; got != c.want {
			t.Errorf("threshold %v: joined as %v, want %v", c.threshold, got, c.want)
		}
	}
}

// find returns the value of that name.
func find(t *testing.T, g *graph.Graph, name string) *graph.Value {
	t.Helper()
	for v := range g.Values() {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("no value %q", name)
	return nil
}

func int8Of(t *testing.T, g *graph.Graph, name string) *graph.Int8 {
	t.Helper()
	switch op := find(t, g, name).Producer.Op.(type) {
	case *graph.Conv:
		return op.Int8
	case *graph.FC:
		return op.Int8
	}
	t.Fatalf("%q is neither conv nor fc", name)
	return nil
}

// One scale for all inputs of a concatenation, by the largest threshold of those
// that compute them, and on through pool and transposition into the next layers.
func TestConcatSharesScale(t *testing.T) {
	g := nets["inception"](t)
	table := tableFor(g, 3)
	q := mustQuantize(t, g, table, Options{INT8AveragePool: true})
	threshold := func(names ...string) (m float64) {
		for _, n := range names {
			e, ok := table.Lookup(n)
			if !ok {
				t.Fatalf("no entry %q", n)
			}
			m = max(m, e.Threshold)
		}
		return m
	}
	// conv1 goes through a_pool into a_concat, that through b_pool into b_concat:
	// all of them are one group.
	want := Scale(threshold("conv1", "a_1", "a_3", "b_1", "b_3"), 255)
	for _, name := range []string{"a_1", "a_3", "b_1", "b_3"} {
		if got := int8Of(t, q, name).ScaleOut; got != want {
			t.Errorf("ScaleOut of %s is %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"a_1", "a_2", "b_1", "b_2", "fc1"} {
		if got := int8Of(t, q, name).ScaleIn; got != want {
			t.Errorf("ScaleIn of %s is %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"a_concat", "a_pool", "turned"} {
		if _, ok := table.Lookup(name); ok {
			t.Errorf("%s passes a scale on and is in the table nevertheless", name)
		}
	}
	if got, want := int8Of(t, q, "a_3").ScaleIn, Scale(threshold("a_2"), 255); got != want {
		t.Errorf("ScaleIn of a_3 is %v, want %v", got, want)
	}
}

func TestResidualStrategies(t *testing.T) {
	g := nets["resnet"](t)
	table := tableFor(g, 4)
	e, _ := table.Lookup("a_sum")
	s, _ := table.Lookup("a_shortcut")
	for _, c := range []struct {
		r        Residual
		saturate bool
		scale    float32
	}{
		{ResidualS8, true, Scale(e.Threshold, 127)},
		{ResidualPaddle13, true, Scale(e.Threshold, 255)},
	} {
		q := mustQuantize(t, g, table, Options{Residual: c.r})
		got := int8Of(t, q, "a_sum")
		if got.SaturateS8 != c.saturate || got.ScaleOut != c.scale || got.ScaleInEltwise != Scale(s.Threshold, 127) {
			t.Errorf("strategy %d: saturate %v, out %v, residual %v; want %v, %v, %v",
				c.r, got.SaturateS8, got.ScaleOut, got.ScaleInEltwise, c.saturate, c.scale, Scale(s.Threshold, 127))
		}
		if next := int8Of(t, q, "b_sum"); next.SaturateS8 || next.ScaleInEltwise != c.scale {
			t.Errorf("strategy %d: the next block saturates %v and reads %v; want false, %v",
				c.r, next.SaturateS8, next.ScaleInEltwise, c.scale)
		}
	}
}

func TestQuantizeErrors(t *testing.T) {
	g := nets["resnet"](t)
	good := tableFor(g, 1)
	with := func(change func(*Table)) *Table {
		c := *good
		c.Entries = slices.Clone(good.Entries)
		change(&c)
		return &c
	}
	for _, c := range []struct {
		name  string
		graph *graph.Graph
		table *Table
		o     Options
		want  error
		text  string
	}{
		{"missing tensor", g, with(func(t *Table) {
			t.Entries = slices.DeleteFunc(t.Entries, func(e Entry) bool { return e.Name == "a_1" })
		}), Options{}, ErrMissingTensor, `"a_1"`},
		{"unknown tensor", g, with(func(t *Table) { t.Entries = append(t.Entries, Entry{"zzz", model.Int8, 1}) }),
			Options{}, ErrUnknownTensor, `"zzz"`},
		{"other sign", g, with(func(t *Table) {
			i := slices.IndexFunc(t.Entries, func(e Entry) bool { return e.Name == "a_1" })
			t.Entries[i].DType = model.Int8
		}), Options{}, ErrMismatch, `"a_1"`},
		{"INT8 already", mustQuantize(t, g, good, Options{}), good, Options{}, ErrMismatch, "INT8 already"},
		{"strategy", g, good, Options{Residual: 9}, ErrOptions, "strategy 9"},
		{"algorithm", g, good, Options{Algorithm: "median"}, ErrOptions, `"median"`},
		{"compat", g, good, Options{Compat: "caffe"}, ErrOptions, `"caffe"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Quantize(c.graph, c.table, c.o)
			if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.text) {
				t.Errorf("error %v, want %v about %s", err, c.want, c.text)
			}
		})
	}
}

// An INT8 tensor whose threshold is 0 gets a usable scale.
func TestZeroThreshold(t *testing.T) {
	g := nets["mobilenet"](t)
	table := tableFor(g, 1)
	for i := range table.Entries {
		table.Entries[i].Threshold = 0
	}
	q := mustQuantize(t, g, table, Options{})
	if got := int8Of(t, q, "pw0"); got.ScaleIn != 255 || got.ScaleOut != 255 {
		t.Errorf("scales %v and %v, want 255", got.ScaleIn, got.ScaleOut)
	}
	checkInvariants(t, q)
}

// The networks of the fixtures, as Build imports and fuses them.
func TestQuantizeFixtures(t *testing.T) {
	paths := map[string]string{}
	for _, n := range []string{"tiny_resnet", "tiny_mobilenet", "tiny_inception", "tiny_resnet_label"} {
		paths["legacy/"+n] = refdata.Path(t, "paddle", "fixtures", "legacy", n, "separate")
	}
	for _, n := range []string{"resnet50", "mobilenet_v1_x0_75"} {
		paths[n] = refdata.Path(t, "realmodels", n, "fluid")
	}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		t.Run(name, func(t *testing.T) {
			m, err := model.Load(paths[name])
			if err != nil {
				t.Fatal(err)
			}
			g, err := graph.Build(m)
			if err != nil {
				t.Fatal(err)
			}
			for i, o := range allOptions() {
				q := mustQuantize(t, g, tableFor(g, uint64(i)), o)
				checkInvariants(t, q)
				if t.Failed() {
					t.Fatalf("with %s", describe(o))
				}
				if len(g.Layers) > 30 && i > 1 { // millions of weights: defaults and one other
					break
				}
			}
		})
	}
}
