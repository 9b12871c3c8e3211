package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A row is one layer.
type row struct {
	ID, Name, Kind, Out string
	Number              int
	MACs                cell
	Type                string // of what INT8 computes: u8, s8 or f32; "" if unknown

	Deviation bool // the next four mean something
	SQNR      cell
	Level     string  // class of SQNR
	Bar       float64 // length of SQNR, 0 to 1
	Cosine    cell
	Clipped   cell
	Range     cell
	CopyRange string // what the integers span, "" for FP32

	Verdict     cell
	VerdictKind string // safe, unsafe or ""
	Proof       string // the verdict in words

	FP32, INT8, Faster cell
	Kernel             string
	Steps              []step
	Facts              []Fact
	Tensor             *tensor

	weighted               bool
	proof                  *calibrate.PairCheck
	sqnr, clip, fp32, int8 float64 // NaN if unknown
}

// A cell is a text and the number it is sorted by; no Sort means that it has none and comes last.
type cell struct{ Text, Sort string }

// A step is a layer of either graph, and what it costs.
type step struct {
	Precision, Layer, Kind string
	Time                   cell
	Kernel, Problem        string
}

func newRow(d *Data, u unit, i int, l calibrate.LayerDeviation, pairs map[string]calibrate.PairCheck, tensors map[string]*tensors) row {
	r := row{ID: fmt.Sprintf("layer-%d", i+1), Number: i + 1, sqnr: math.NaN(), clip: math.NaN(), fp32: math.NaN(), int8: math.NaN()}
	r.describe(d, l)
	r.compare(l)
	for _, c := range l.Int8 {
		if p, ok := pairs[c.Name]; ok {
			r.prove(p)
		}
	}
	r.cost(d, u, l)
	if l.Value != nil {
		if t := tensors[l.Value.Name]; t != nil {
			r.Tensor = t.plot(threshold(l.Counterpart))
		}
	}
	return r
}

// describe says what the layer is.
func (r *row) describe(d *Data, l calibrate.LayerDeviation) {
	switch {
	case l.Real != nil:
		r.Name, r.Kind = shorten(l.Real.Name), shorten(l.Real.Op.Kind())
		switch l.Real.Op.(type) {
		case *graph.Conv, *graph.FC:
			r.weighted = true
		}
		if s := d.Shapes[l.Real.Out[0]]; s != nil {
			r.Out = dims(s)
			if n := graph.LayerMACs(l.Real, d.Shapes); n > 0 {
				r.MACs = cell{mega(n), fmt.Sprint(n)}
			}
		}
	case l.Value != nil:
		r.Name, r.Kind = shorten(l.Value.Name), "input"
		r.Out = dims(d.Shapes[l.Value])
	default:
		r.Name, r.Kind = shorten(l.Int8[0].Name), shorten(l.Int8[0].Op.Kind())
	}
	if l.Copy != nil {
		r.Type = map[model.DType]string{model.UInt8: "u8", model.Int8: "s8"}[l.Copy.DType]
		if r.Type == "" {
			r.Type = "f32"
		}
	}
}

// maxBar is the SQNR whose bar is full: eight bits reach 50 dB on a uniform distribution.
const maxBar = 50

// compare says how far INT8 is from FP32.
func (r *row) compare(l calibrate.LayerDeviation) {
	if l.Copy == nil || l.Elements == 0 {
		return
	}
	r.Deviation = true
	r.sqnr = l.SQNR()
	r.SQNR, r.Level = decibels(r.sqnr)
	r.Bar = min(max(zeroIfNaN(r.sqnr)/maxBar, 0), 1)
	r.Cosine = number(l.Cosine(), "%.5f")
	r.Range = cell{short(float64(l.Low)) + " … " + short(float64(l.High)), sortKey(max(math.Abs(float64(l.Low)), math.Abs(float64(l.High))))}
	r.Facts = append(r.Facts, Fact{"FP32 values", short(float64(l.Low)) + " to " + short(float64(l.High))},
		Fact{"INT8 values", short(float64(l.CopiedLow)) + " to " + short(float64(l.CopiedHigh))},
		Fact{"Elements compared", plain(int(l.Elements))})
	if l.Top == 0 {
		return
	}
	r.clip = l.ClipRate()
	r.Clipped = cell{percent(r.clip), sortKey(r.clip)}
	t := threshold(l.Counterpart)
	low, scale := 0.0, float64(l.Scale)
	if l.Copy.DType == model.Int8 {
		low = math.MinInt8 / scale
	}
	r.CopyRange = short(low) + " … " + short(t)
	r.Facts = append(r.Facts, Fact{"Elements clipped", plain(int(l.Clipped))},
		Fact{"Scale", fmt.Sprintf("%s steps of %s: %d stands for %s", r.Type, short(1/scale), l.Top, short(t))})
}

// threshold returns the real value that the largest integer of the copy stands for.
func threshold(c calibrate.Counterpart) float64 {
	if c.Top == 0 {
		return 0
	}
	return float64(c.Top) / float64(c.Scale)
}

// prove says what is known about CPUs without VNNI.
func (r *row) prove(p calibrate.PairCheck) {
	r.proof = &p
	r.VerdictKind, r.Verdict = "safe", cell{"safe", "0"}
	if p.Unsafe > 0 {
		r.VerdictKind, r.Verdict = "unsafe", cell{fmt.Sprintf("%d of %d", p.Unsafe, p.Channels), sortKey(float64(p.Unsafe) / float64(p.Channels))}
	}
	text := fmt.Sprintf("%d of %d output channels proved", p.Channels-p.Unsafe, p.Channels)
	if p.Worst > 0 {
		text += fmt.Sprintf("; the largest pair of weights sums to %d, safe is up to 128", p.Worst)
	}
	r.Proof = text
	r.Facts = append(r.Facts, Fact{"Without VNNI", text})
}

// cost adds up what the layer costs in both precisions.
func (r *row) cost(d *Data, u unit, l calibrate.LayerDeviation) {
	var longest float64
	add := func(sum *float64, precision string, costs map[string]Cost, g *graph.Layer) {
		s := step{Precision: precision, Layer: shorten(g.Name), Kind: shorten(g.Op.Kind())}
		if c, ok := costs[g.Name]; ok {
			ms := c.milliseconds()
			*sum = zeroIfNaN(*sum) + ms
			s.Time, s.Kernel, s.Problem = cell{u.full(ms), sortKey(ms)}, shorten(c.Kernel), shortenTo(c.Problem, maxProblem)
			if precision == "INT8" && ms >= longest {
				longest, r.Kernel = ms, s.Kernel
			}
		}
		r.Steps = append(r.Steps, s)
	}
	if l.Real != nil {
		add(&r.fp32, "FP32", d.FP32, l.Real)
	}
	for _, c := range l.Int8 {
		add(&r.int8, "INT8", d.INT8, c)
	}
	if !math.IsNaN(r.fp32) {
		r.FP32 = cell{u.text(r.fp32), sortKey(r.fp32)}
	}
	if !math.IsNaN(r.int8) {
		r.INT8 = cell{u.text(r.int8), sortKey(r.int8)}
	}
	if f := r.fp32 / r.int8; f > 0 && !math.IsInf(f, 0) {
		r.Faster = cell{times(f), sortKey(f)}
	}
}

// decibels returns the text of an SQNR, and the class of its colour. Every bit
// of precision is worth 6 dB.
func decibels(x float64) (cell, string) {
	switch {
	case math.IsInf(x, 1):
		return cell{"exact", "999"}, "good"
	case math.IsInf(x, -1):
		return cell{"−∞", "-999"}, "poor"
	case x < 10:
		return number(x, "%.1f"), "poor"
	case x < 20:
		return number(x, "%.1f"), "fair"
	}
	return number(x, "%.1f"), "good"
}

func dims(s graph.Shape) string {
	if len(s) > 1 && s[0] == 1 {
		s = s[1:]
	}
	var parts []string
	for _, d := range s {
		parts = append(parts, fmt.Sprint(d))
	}
	return strings.Join(parts, "×")
}
