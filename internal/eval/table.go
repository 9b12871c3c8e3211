package eval

import (
	"fmt"
	"io"
	"text/tabwriter"
	"unicode/utf8"
)

// A Row is a Result under a name, such as that of the model and algorithm.
type Row struct {
	Name string
	*Result
}

// WriteTable writes the accuracies of rows as a table: FP32, INT8 and the
// difference, as in the announcement of Paddle 1.3's INT8.
func WriteTable(w io.Writer, rows []Row) error {
	width := len("model") // of the names, which stand to the left while figures stand to the right
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.Name))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%-*s\timages\ttop-1 FP32\tINT8\tdifference\ttop-5 FP32\tINT8\tdifference\tagreement\tmean KL\t\n", width, "model")
	for _, r := range rows {
		fmt.Fprintf(t, "%-*s\t%d\t", width, r.Name, r.Images)
		if r.INT8 == nil {
			fmt.Fprintf(t, "%.2f %%\t–\t–\t%.2f %%\t–\t–\t–\t–\t\n", r.FP32.Top1, r.FP32.Top5)
			continue
		}
		fmt.Fprintf(t, "%.2f %%\t%.2f %%\t%+.2f\t", r.FP32.Top1, r.INT8.Top1, r.INT8.Top1-r.FP32.Top1)
		fmt.Fprintf(t, "%.2f %%\t%.2f %%\t%+.2f\t", r.FP32.Top5, r.INT8.Top5, r.INT8.Top5-r.FP32.Top5)
		if r.Agreement == nil {
			fmt.Fprint(t, "–\t–\t\n")
			continue
		}
		fmt.Fprintf(t, "%.2f %%\t%.5f\t\n", *r.Agreement, *r.MeanKL)
	}
	return t.Flush()
}
