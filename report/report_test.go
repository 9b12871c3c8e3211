package report

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

var update = flag.Bool("update", false, "write testdata/tiny.html anew: look at it in a browser then")

// tiny is a report about three layers, made up: every kind of figure occurs.
func tiny(t testing.TB) *Data {
	t.Helper()
	value := func(name string, d model.DType) *graph.Value { return &graph.Value{Name: name, DType: d} }
	weights := &graph.Value{Name: "w", Dims: []int64{8, 3, 3, 3}}
	image, first, second, prob := value("image", model.FP32), value("first", model.FP32), value("second", model.FP32), value("prob", model.FP32)
	shapes := map[*graph.Value]graph.Shape{image: {1, 3, 16, 16}, weights: {8, 3, 3, 3}, first: {1, 8, 14, 14}, second: {1, 8, 12, 12}, prob: {1, 10}}
	layer := func(op graph.Op, out *graph.Value, in ...*graph.Value) *graph.Layer {
		return &graph.Layer{Name: out.Name, Op: op, In: in, Out: []*graph.Value{out}}
	}
	conv := func(out, in *graph.Value) *graph.Layer { return layer(new(graph.Conv), out, in, weights, nil, nil) }
	return &Data{
		Model:  "tiny",
		Facts:  []Fact{{"INT8", "tiny-int8"}, {"Machine", "made up"}},
		Images: 4,
		Shapes: shapes,
		Layers: []calibrate.LayerDeviation{
			{Counterpart: calibrate.Counterpart{
				Value: image, Copy: value("quantize_0", model.Int8), Scale: 50.8, Top: 127,
				Int8: []*graph.Layer{layer(&graph.Quantize{Scale: 50.8}, value("quantize_0", model.Int8), image)},
			}, Deviation: calibrate.Deviation{Elements: 3072, Signal: 3000, Copied: 2999, Product: 2999.4, Noise: 0.2, Low: -2.5, High: 2.5, CopiedLow: -2.5, CopiedHigh: 2.5}},
			{Counterpart: calibrate.Counterpart{
				Real: conv(first, image), Value: first, Copy: value("first", model.UInt8), Scale: 63.75, Top: 255,
				Int8: []*graph.Layer{conv(value("first", model.UInt8), image)},
			}, Deviation: calibrate.Deviation{Elements: 6272, Signal: 6000, Copied: 5900, Product: 5940, Noise: 20, Clipped: 3, High: 6.1, CopiedHigh: 4}},
			{Counterpart: calibrate.Counterpart{
				Real: conv(second, first), Value: second, Copy: value("second", model.FP32),
				Int8: []*graph.Layer{conv(value("second.conv", model.FP32), first), layer(&graph.Binary{}, value("second", model.FP32), second, first)},
			}, Deviation: calibrate.Deviation{Elements: 4608, Signal: 100, Copied: 120, Product: 90, Noise: 40, Low: -3, High: 2, CopiedLow: -3.5, CopiedHigh: 2}},
			{Counterpart: calibrate.Counterpart{
				Real: layer(&graph.Softmax{}, prob, second), Value: prob, Copy: prob, Int8: []*graph.Layer{layer(&graph.Softmax{}, prob, second)},
			}, Deviation: calibrate.Deviation{Elements: 40, Signal: 4, Copied: 4, Product: 4, High: 1, CopiedHigh: 1}},
			{Counterpart: calibrate.Counterpart{Real: layer(&graph.TopK{}, value("indices", model.Int64), prob)}},
		},
		Pairs: []calibrate.PairCheck{{Layer: "first", Channels: 8, Worst: 120}, {Layer: "second.conv", Channels: 8, Unsafe: 3, Worst: 201}},
		Table: table(t, map[string]float64{"first": 1.5, "image": 0.8}),
		FP32: map[string]Cost{
			"first":  {1500 * time.Microsecond, "jit:avx512_core", "convolution src f32 1x3x16x16"},
			"second": {2500 * time.Microsecond, "jit:avx512_core", "convolution src f32 1x8x14x14"},
		},
		INT8: map[string]Cost{
			"quantize_0":  {100 * time.Microsecond, "jit:uni", "reorder src f32 1x3x16x16"},
			"first":       {500 * time.Microsecond, "jit:avx512_core_vnni", "convolution src s8 1x3x16x16"},
			"second.conv": {700 * time.Microsecond, "jit:avx512_core_vnni", "convolution src u8 1x8x14x14"},
			"second":      {300 * time.Microsecond, "octet:sum", ""},
		},
	}
}

// table makes a table of KL from half normal distributions of given widths.
func table(t testing.TB, sigmas map[string]float64) *calibrate.Table {
	t.Helper()
	var entries []calibrate.Entry
	e := new(calibrate.Evidence)
	for _, name := range []string{"first", "image"} {
		s := calibrate.NewStatistics()
		// Quantiles of a normal distribution, by the logistic approximation.
		x := make([]float32, 4000)
		for i := range x {
			p := 0.5 + 0.5*(float64(i)+0.5)/float64(len(x))
			x[i] = float32(sigmas[name] * math.Log(p/(1-p)) / 1.702)
		}
		if err := s.Add(append(x, make([]float32, 1000)...)); err != nil {
			t.Fatal(err)
		}
		entry := calibrate.Entry{Name: name, DType: model.Int8}
		if name == "first" {
			entry.DType = model.UInt8
		}
		s.Tops = []float32{s.Max(), s.Max() / 2}
		entries, e.Tensors = append(entries, entry), append(e.Tensors, s)
	}
	all := &calibrate.Table{Samples: 2, Algorithm: calibrate.KL, Entries: entries, Evidence: e}
	chosen, err := all.Rethreshold(calibrate.KL)
	if err != nil {
		t.Fatal(err)
	}
	return chosen
}

func write(t testing.TB, d *Data) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// body returns what stands between style and script.
func body(page string) string {
	return page[strings.Index(page, "<body>"):strings.LastIndex(page, "<script>")]
}

// TestGolden holds the whole file. Where a change of the page is meant, -update
// writes it anew.
func TestGolden(t *testing.T) {
	const file = "testdata/tiny.html"
	got := write(t, tiny(t))
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("the page differs (-want +got); go test ./report -update writes it:\n%s", diff)
	}
	if again := write(t, tiny(t)); again != got {
		t.Error("the same data give another page the second time")
	}
}

// TestNothingElseIsLoaded: no address but those within the page occurs.
func TestNothingElseIsLoaded(t *testing.T) {
	page := write(t, tiny(t))
	for _, m := range regexp.MustCompile(`(?i)\b(?:href|src|action|url|import|srcset|data)\b\s*[=(]\s*["']?([^"')\s>]*)`).FindAllStringSubmatch(page, -1) {
		if to := m[1]; !strings.HasPrefix(to, "#") && to != "data:," {
			t.Errorf("the page names %q in %q", to, m[0])
		}
	}
	if strings.Contains(page, "://") {
		t.Error("the page has an address of some network")
	}
}

// TestHostileNames: names from model files stay text, wherever they stand.
func TestHostileNames(t *testing.T) {
	for _, name := range []string{
		`</script><script>alert(1)</script>`, `</style><img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`, `' onmouseover='alert(1)`,
		`{{.Script}}`, `javascript:alert(1)`, "a\x00b\xff\u202e", `<!--`, `]]>`, "\u2028", strings.Repeat("<b>", 100000),
	} {
		t.Run(fmt.Sprintf("%.20q", name), func(t *testing.T) {
			d := tiny(t)
			d.Model, d.Facts = name, []Fact{{name, name}}
			for _, l := range d.Layers {
				for _, v := range []*graph.Value{l.Value, l.Copy} {
					if v != nil {
						v.Name = name
					}
				}
				for _, one := range append(l.Int8, l.Real) {
					if one != nil {
						one.Name = name
					}
				}
			}
			d.Table.Entries[0].Name = name
			d.INT8[name] = Cost{time.Millisecond, name, name}
			page := write(t, d)
			plain := write(t, tiny(t))
			for _, tag := range []string{"<script", "</script", "<style", "</style", "<img", "<b>", "<!--", "onerror=alert(1)>", "onload=alert(1)>"} {
				if got, want := strings.Count(page, tag), strings.Count(plain, tag); got != want {
					t.Errorf("%q occurs %d times, %d with plain names", tag, got, want)
				}
			}
			// Quotes are escaped in text and within attributes, so that these are what the template quotes.
			tags := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(body(page), "")
			if m := regexp.MustCompile(`<[^>]*\son\w+\s*=[^>]*>`).FindString(tags); m != "" {
				t.Errorf("an attribute runs a script: %s", m)
			}
			if len(page) > 2*len(plain)+100*maxName*8 {
				t.Errorf("%d bytes, %d with plain names: want names bounded", len(page), len(plain))
			}
		})
	}
}

// TestParts: what is not known is left out, and nothing else breaks.
func TestParts(t *testing.T) {
	for _, c := range []struct {
		name    string
		without func(d *Data)
		gone    []string
		kept    string
	}{
		{"no table", func(d *Data) { d.Table = nil }, []string{"Absolute values", `class="plot"`}, "INT8, ms"},
		{"a table of thresholds", func(d *Data) { d.Table.Evidence = nil }, []string{"Absolute values", `class="plot"`}, "INT8, ms"},
		{"no times", func(d *Data) { d.FP32, d.INT8 = nil, nil }, []string{"INT8, ms", "Milliseconds", "Time of a picture", "together with another"}, "Absolute values"},
		{"no shapes", func(d *Data) { d.Shapes = nil }, []string{"8×14×14"}, "Absolute values"},
		{"no proof", func(d *Data) { d.Pairs = nil }, []string{"may saturate:", "verdict unsafe"}, "Absolute values"},
		{"no layers", func(d *Data) { d.Layers = nil }, []string{"layer-1", "overview-title"}, "<table>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole := write(t, tiny(t))
			d := tiny(t)
			c.without(d)
			page := write(t, d)
			page, whole = body(page), body(whole)
			for _, text := range c.gone {
				if strings.Contains(page, text) {
					t.Errorf("%q is still there", text)
				}
			}
			if !strings.Contains(page, c.kept) || !strings.Contains(whole, c.kept) {
				t.Errorf("%q is gone", c.kept)
			}
			if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
				t.Error("a number that is none is shown")
			}
		})
	}
}

// TestSize: a network of many layers has a report of a size in proportion.
func TestSize(t *testing.T) {
	d := tiny(t)
	one := d.Layers[1]
	for range 200 {
		d.Layers = append(d.Layers, one)
	}
	// A ResNet-50 has 63 rows: 2 MB would be 32 KB for each.
	if n := len(write(t, d)) - len(write(t, tiny(t))); n > 200*20000 {
		t.Errorf("200 layers take %d bytes: want at most 20,000 each", n)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteFails(t *testing.T) {
	if err := Write(broken{}, tiny(t)); err == nil || !strings.Contains(err.Error(), io.ErrClosedPipe.Error()) {
		t.Errorf("error %v, want that of the writer", err)
	}
}
