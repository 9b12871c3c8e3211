package eval

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// A Row is a Result under a name, such as that of the model and algorithm.
type Row struct {
	Name string
	*Result
}

// WriteTable writes the accuracies of rows as a table: FP32, INT8 and the
// difference, as in the announcement of Paddle 1.3's INT8.
func WriteTable(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "model\timages\ttop-1 FP32\tINT8\tdifference\ttop-5 FP32\tINT8\tdifference\tagreement\tmean KL\t\n")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%d\t", r.Name, r.Images)
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
