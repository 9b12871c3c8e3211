package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/octet-dnn/octet/calibrate"
)

// A plot is a histogram of absolute values: the share of the elements by a
// logarithmic height, and thresholds as lines. Units are pixels.
type plot struct {
	Width, Height float64
	Bottom        float64 // where heights are 0
	Kept, Clipped string  // paths: what the threshold in use keeps, and clips
	Lines         []line
	Ticks         []tick
	Text          string // for those who do not see it
}

// A line is a threshold of one or several algorithms.
type line struct {
	X, Top         float64
	Label          string
	LabelX, LabelY float64
	Anchor         string
	InUse          bool
}

// A tick is a mark on the axis.
type tick struct {
	X     float64
	Label string
}

// A layout says how large a plot is.
type layout struct {
	width, height float64 // of the bars
	columns       int
	left, right   float64
	axis          float64 // height of the ticks
}

var (
	large = layout{width: 600, height: 150, columns: 150, left: 8, right: 24, axis: 22}
	small = layout{width: 120, height: 26, columns: 60}
)

// labelHeight is that of a row of labels, labelChar about the width of a character.
const (
	labelHeight = 15
	labelChar   = 6.4
)

func newPlot(s *calibrate.Statistics, choices []choice, used float64, l layout) *plot {
	most := float64(s.Max())
	for _, c := range choices {
		most = max(most, c.threshold)
	}
	if most = max(most, used); most == 0 {
		return nil
	}
	p := &plot{Width: l.left + l.width + l.right}
	at := func(x float64) float64 { return l.left + x/most*l.width }
	var rows int
	if len(choices) > 0 {
		p.Lines, rows = lines(choices, most, at, p.Width)
	} else if used > 0 {
		p.Lines = []line{{X: at(used), InUse: true}}
	}
	top := float64(rows * labelHeight)
	p.Bottom, p.Height = top+l.height, top+l.height+l.axis
	heights := columns(s, most, l.columns)
	p.Kept, p.Clipped = bars(heights, most, used, l, p.Bottom)
	if l.axis > 0 {
		step := niceStep(most / 5)
		for i := 0.0; i*step <= most; i++ {
			p.Ticks = append(p.Ticks, tick{at(i * step), mark(i * step)})
		}
	}
	p.Text = fmt.Sprintf("Histogram of the absolute values, from 0 to %s", short(most))
	if used > 0 {
		p.Text += fmt.Sprintf("; the INT8 model clips above %s", short(used))
	}
	return p
}

// columns joins bins and returns heights from 0 to 1, which grow with the
// logarithm of the count.
func columns(s *calibrate.Statistics, most float64, n int) []float64 {
	counts := make([]float64, n)
	for i, c := range s.Counts() {
		x := (float64(i) + 0.5) * s.Width()
		counts[min(int(x/most*float64(n)), n-1)] += float64(c)
	}
	highest := 0.0
	for _, c := range counts {
		highest = max(highest, c)
	}
	for i, c := range counts {
		if highest > 0 {
			counts[i] = math.Log1p(c) / math.Log1p(highest)
		}
	}
	return counts
}

// bars draws the outline of the columns, those beyond the threshold apart.
func bars(heights []float64, most, used float64, l layout, bottom float64) (kept, clipped string) {
	width := l.width / float64(len(heights))
	outline := func(from, to int) string {
		if from >= to {
			return ""
		}
		var b strings.Builder
		b.WriteString("M" + pixel(l.left+float64(from)*width) + " " + pixel(bottom))
		last := math.NaN()
		for i := from; i < to; i++ {
			y := bottom - heights[i]*l.height
			if pixel(y) != pixel(last) {
				b.WriteString("V" + pixel(y))
				last = y
			}
			b.WriteString("H" + pixel(l.left+float64(i+1)*width))
		}
		b.WriteString("V" + pixel(bottom) + "Z")
		return b.String()
	}
	cut := len(heights)
	if used > 0 {
		cut = min(int(math.Ceil(used/most*float64(len(heights))-1e-9)), cut)
	}
	for cut < len(heights) && heights[cut] == 0 { // begin where something is clipped
		if noneFrom(heights[cut:]) {
			cut = len(heights)
			break
		}
		cut++
	}
	return outline(0, cut), outline(cut, len(heights))
}

func noneFrom(heights []float64) bool {
	for _, h := range heights {
		if h > 0 {
			return false
		}
	}
	return true
}

// lines joins thresholds that fall together and gives each a label that is
// clear of the others. Choices are sorted.
func lines(choices []choice, most float64, at func(float64) float64, width float64) (all []line, rows int) {
	const together = 1.5 // pixels
	for _, c := range choices {
		x := at(c.threshold)
		if n := len(all); n > 0 && x-all[n-1].X < together {
			all[n-1].Label += ", " + c.Algorithm
			all[n-1].InUse = all[n-1].InUse || c.InUse
			continue
		}
		all = append(all, line{X: x, Label: c.Algorithm, InUse: c.InUse})
	}
	var ends []float64 // of the labels in each row
	for i := range all {
		l := &all[i]
		long := labelChar * float64(len(l.Label))
		l.Anchor, l.LabelX = "start", l.X+4
		left := l.LabelX
		if left+long > width {
			l.Anchor, l.LabelX = "end", l.X-4
			left = l.LabelX - long
			if left < 0 {
				l.Anchor, l.LabelX, left = "end", width, width-long
			}
		}
		at := 0
		for at < len(ends) && ends[at] > left {
			at++
		}
		if at == len(ends) {
			ends = append(ends, 0)
		}
		ends[at] = left + long + labelChar
		l.LabelY = float64(at)
	}
	for i := range all {
		l := &all[i]
		l.Top = l.LabelY * labelHeight
		l.LabelY = l.Top + 11
	}
	return all, len(ends)
}

// niceStep returns 1, 2 or 5 times a power of ten, at least x.
func niceStep(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, f := range []float64{1, 2, 5} {
		if f*power >= x {
			return f * power
		}
	}
	return 10 * power
}

func pixel(x float64) string { return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64) }
