package report

import (
	"cmp"
	"math"
	"slices"
)

// shown is how many layers a finding lists.
const shown = 4

// findings lists what is worth a look first.
func findings(rows []row, u unit) []finding {
	var all []finding
	add := func(name string, measure func(i int) float64, text func(i int) string) {
		var at []int
		for i := range rows {
			if x := measure(i); !math.IsNaN(x) && x > 0 {
				at = append(at, i)
			}
		}
		slices.SortStableFunc(at, func(a, b int) int { return cmp.Compare(measure(b), measure(a)) })
		f := finding{Name: name}
		for _, i := range at[:min(len(at), shown)] {
			f.Items = append(f.Items, item{rows[i].ID, rows[i].Name, text(i)})
		}
		if len(f.Items) > 0 {
			all = append(all, f)
		}
	}
	add("Lowest SQNR", func(i int) float64 {
		if math.IsInf(rows[i].sqnr, 0) {
			return math.NaN()
		}
		return math.Exp2(-rows[i].sqnr / 10) // of any sign
	}, func(i int) string { return rows[i].SQNR.Text + " dB" })
	add("Most clipped", func(i int) float64 { return rows[i].clip }, func(i int) string { return rows[i].Clipped.Text })
	add("Most time in INT8", func(i int) float64 { return rows[i].int8 }, func(i int) string { return u.full(rows[i].int8) })
	add("Slower in INT8", func(i int) float64 { return rows[i].int8 - rows[i].fp32 },
		func(i int) string { return "+" + u.full(rows[i].int8-rows[i].fp32) })
	return all
}
