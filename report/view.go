package report

import (
	"html/template"
	"math"

	"github.com/octet-dnn/octet/calibrate"
)

// A view is what the template shows.
type view struct {
	Model  string
	Policy string // of the page: nothing but its own style and script
	Style  template.CSS
	Script template.JS

	Facts      []Fact
	Cards      []card
	Findings   []finding
	Images     int
	Overview   *overview
	Rows       []row
	Columns    int
	Timed      bool
	Unit       unit // of all times but the card's
	Histograms bool
}

// A card is a headline figure.
type card struct{ Name, Value, Note string }

// A finding lists the layers that stand out in one respect.
type finding struct {
	Name  string
	Items []item
}

type item struct{ ID, Layer, Value string }

func newView(d *Data) (*view, error) {
	css, cssHash := asset("page.css")
	js, jsHash := asset("page.js")
	v := &view{
		Model: shorten(d.Model), Images: d.Images, Timed: d.FP32 != nil || d.INT8 != nil,
		Policy: "default-src 'none'; img-src data:; style-src " + cssHash + "; script-src " + jsHash + "; base-uri 'none'; form-action 'none'",
		Style:  template.CSS(css), Script: template.JS(js),
	}
	for _, f := range d.Facts {
		v.Facts = append(v.Facts, Fact{shorten(f.Name), shorten(f.Value)})
	}
	tensors, err := newTensors(d.Table)
	if err != nil {
		return nil, err
	}
	v.Histograms = tensors != nil
	v.Columns = 8
	if v.Timed {
		v.Columns += 4
	}
	if v.Histograms {
		v.Columns++
	}
	pairs := make(map[string]calibrate.PairCheck)
	for _, p := range d.Pairs {
		pairs[p.Layer] = p
	}
	slowest := 0.0
	for _, costs := range []map[string]Cost{d.FP32, d.INT8} {
		for _, c := range costs {
			slowest = max(slowest, c.milliseconds())
		}
	}
	v.Unit = unitOf(slowest)
	for i, l := range d.Layers {
		v.Rows = append(v.Rows, newRow(d, v.Unit, i, l, pairs, tensors))
	}
	v.Overview = newOverview(v.Rows, v.Unit)
	v.Cards = newCards(d, v.Rows)
	v.Findings = findings(v.Rows, v.Unit)
	return v, nil
}

// newCards sums up.
func newCards(d *Data, rows []row) []card {
	var cards []card
	var quantised, weighted, channels, unsafe int
	var fp32, int8 float64
	for _, r := range rows {
		if r.weighted {
			weighted++
		}
		if r.proof != nil {
			quantised++
			channels += r.proof.Channels
			unsafe += r.proof.Unsafe
		}
		fp32, int8 = fp32+zeroIfNaN(r.fp32), int8+zeroIfNaN(r.int8)
	}
	cards = append(cards, card{"Layers with weights in INT8", plain(quantised) + " of " + plain(weighted), "all others, and conversions, are FP32"})
	for i := len(rows) - 1; i >= 0; i-- {
		if r := rows[i]; r.Deviation && r.weighted {
			cards = append(cards, card{"SQNR of the last layer with weights", decibelText(r), "cosine " + r.Cosine.Text + ", of " + r.Name})
			break
		}
	}
	if fp32 > 0 && int8 > 0 {
		cards = append(cards, card{"Time of a picture, one thread", unitOf(fp32).full(int8), "INT8 is " + times(fp32/int8) + " as fast as FP32's " + unitOf(fp32).full(fp32)})
	}
	if len(d.Pairs) > 0 {
		c := card{"Without VNNI", "exact", "all " + plain(channels) + " output channels are proved never to saturate"}
		if unsafe > 0 {
			c.Value = percent(float64(unsafe) / float64(channels))
			c.Note = "of output channels may saturate: " + plain(unsafe) + " of " + plain(channels)
		}
		cards = append(cards, c)
	}
	return cards
}

func decibelText(r row) string {
	if math.IsInf(r.sqnr, 1) {
		return r.SQNR.Text
	}
	return r.SQNR.Text + " dB"
}

func zeroIfNaN(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x
}
