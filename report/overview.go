package report

import (
	"fmt"
	"math"
)

// An overview draws the whole network from left to right: the SQNR of each layer,
// and below it what the layer costs in both precisions.
type overview struct {
	Width, Height float64
	Left, Right   float64 // ends of the axes
	Points        []point
	Path          string // through the points
	Grid          []grid
	Names         []axisName
	Bars          []bar
	Base          float64 // of the bars
	Timed         bool
}

// A point is the SQNR of one layer.
type point struct {
	X, Y            float64
	ID, Title, Type string
}

// A grid is a horizontal line.
type grid struct {
	Y     float64
	Label string
}

type axisName struct {
	X, Y float64
	Text string
}

// A bar is the time of one layer.
type bar struct {
	X, Width           float64
	FP32Y, FP32Height  float64
	InnerX, InnerWidth float64
	INT8Y, INT8Height  float64
	ID, Title          string
}

// Of the overview, in pixels.
const (
	overviewWidth = 1200
	overviewLeft  = 44
	overviewRight = 12
	qualityTop    = 28
	qualityHeight = 170
	timesGap      = 48
	timesHeight   = 120
)

func newOverview(rows []row, u unit) *overview {
	o := &overview{Width: overviewWidth, Left: overviewLeft, Right: overviewWidth - overviewRight, Height: qualityTop + qualityHeight + 16}
	best, worst, slowest := math.Inf(-1), math.Inf(1), 0.0
	for _, r := range rows {
		if !math.IsNaN(r.sqnr) && !math.IsInf(r.sqnr, 0) {
			best, worst = max(best, r.sqnr), min(worst, r.sqnr)
		}
		slowest = max(slowest, zeroIfNaN(r.fp32), zeroIfNaN(r.int8))
	}
	o.quality(rows, worst, best)
	if slowest > 0 {
		o.times(rows, u, slowest)
	}
	if len(o.Points) == 0 && !o.Timed {
		return nil
	}
	return o
}

// x returns where row i stands, and how wide its place is.
func (o *overview) x(i, n int) (x, width float64) {
	width = (o.Right - o.Left) / float64(n)
	return o.Left + (float64(i)+0.5)*width, width
}

// quality draws the SQNR. What is exact stands at the top.
func (o *overview) quality(rows []row, worst, best float64) {
	if best < worst { // nothing is between exact and lost
		best, worst = 10, 0
	}
	top := 10 * math.Ceil((best+1)/10)
	low := 10 * math.Floor((worst-1)/10)
	y := func(db float64) float64 {
		return qualityTop + (top-min(max(db, low), top))/(top-low)*qualityHeight
	}
	step := 10.0
	for (top-low)/step > 6 {
		step *= 2
	}
	for db := low; db <= top; db += step {
		o.Grid = append(o.Grid, grid{y(db), minus(fmt.Sprint(db))})
	}
	o.Names = append(o.Names, axisName{0, 12, "SQNR in dB, layer by layer"})
	for i, r := range rows {
		if !r.Deviation || math.IsNaN(r.sqnr) {
			continue
		}
		x, _ := o.x(i, len(rows))
		p := point{X: x, Y: y(r.sqnr), ID: r.ID, Type: r.Type,
			Title: r.Name + ": " + decibelText(r) + ", " + r.Type}
		move := "L"
		if o.Path == "" {
			move = "M"
		}
		o.Path += move + pixel(p.X) + " " + pixel(p.Y)
		o.Points = append(o.Points, p)
	}
}

// times draws what layers cost, INT8 in front of FP32.
func (o *overview) times(rows []row, u unit, slowest float64) {
	o.Timed = true
	top := qualityTop + qualityHeight + float64(timesGap)
	o.Base = top + timesHeight
	o.Height = o.Base + 6
	o.Names = append(o.Names, axisName{0, top - 14, u.Long + " of a picture, FP32 behind INT8"})
	step := niceStep(slowest / u.ofOne / 3)
	for i := 0.0; i*step*u.ofOne <= slowest; i++ {
		o.Grid = append(o.Grid, grid{o.Base - i*step*u.ofOne/slowest*timesHeight, mark(i * step)})
	}
	for i, r := range rows {
		if math.IsNaN(r.fp32) && math.IsNaN(r.int8) {
			continue
		}
		x, width := o.x(i, len(rows))
		h := func(ms float64) float64 { return zeroIfNaN(ms) / slowest * timesHeight }
		b := bar{X: x - 0.42*width, Width: 0.84 * width, InnerX: x - 0.24*width, InnerWidth: 0.48 * width,
			FP32Y: o.Base - h(r.fp32), FP32Height: h(r.fp32), INT8Y: o.Base - h(r.int8), INT8Height: h(r.int8), ID: r.ID}
		b.Title = r.Name + ": FP32 " + orNone(r.fp32, u) + ", INT8 " + orNone(r.int8, u)
		o.Bars = append(o.Bars, b)
	}
}

func orNone(ms float64, u unit) string {
	if math.IsNaN(ms) {
		return "with another layer"
	}
	return u.full(ms)
}
