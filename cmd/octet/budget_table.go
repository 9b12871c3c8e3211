package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/octet-dnn/octet/calibrate/budget"
)

// writeBudget writes the layers that are left FP32 with their prices, and the
// accuracy before and after.
func writeBudget(w io.Writer, r *budget.Result) error {
	fmt.Fprintf(w, "left in FP32: %d of %d layers, %+.3f ms on %.3f ms a picture and stream; %s evaluated\n",
		len(r.Layers), r.Of, milliseconds(r.Price.Extra), milliseconds(r.Price.Base), plural(r.Evaluations, "network"))
	if len(r.Layers) > 0 {
		width := len("layer")
		for _, l := range r.Layers {
			width = max(width, utf8.RuneCountInString(l.Name))
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(t, "%-*s\talone: mean KL\tms\t\n", width, "layer")
		for _, l := range r.Layers {
			fmt.Fprintf(t, "%-*s\t%.6f\t%+.3f\t\n", width, l.Name, l.Sensitivity, milliseconds(l.Extra))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "INT8 layers\tpictures\ttop-1 FP32\tINT8\tdrop\t95 % between\tlost\twon\tagreement\tmean KL\t\n")
	rows := []budget.Verdict{r.All}
	if len(r.Layers) > 0 {
		rows = append(rows, r.Verdict)
	}
	for i, v := range rows {
		low, high := v.Interval()
		top1, lost := "–\t–", "–\t–"
		if v.Labelled {
			n := float64(v.Images) / 100
			top1 = fmt.Sprintf("%.2f %%\t%.2f %%", float64(v.FP32Right)/n, float64(v.INT8Right)/n)
			lost = fmt.Sprintf("%d\t%d", v.Lost, v.Won)
		}
		fmt.Fprintf(t, "%d\t%d\t%s\t%+.2f\t%+.2f … %+.2f\t%s\t%.2f %%\t%.5f\t\n", r.Of-i*len(r.Layers), v.Images, top1, v.Drop(), low, high, lost, v.Agreement(), v.MeanKL)
	}
	return t.Flush()
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
