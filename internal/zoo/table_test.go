package zoo

import (
	"fmt"
	"io"
	"testing"
	"text/tabwriter"
)

// A row is what one version of Paddle and Octet have in common about a network.
type row struct {
	paddle string
	network
	fp32                    float64 // the largest relative difference
	octetExact, paddleExact float64 // of the two from the exact answers
	fused, simulated, qdq   float64 // cosines of INT8 programs, 0 where one does not run
	apart                   apart   // piece by piece, where the cosine falls short
	failed                  string
}

// fail notes the first failure at a stage for the table.
func (r *row) fail(t *testing.T, stage string, err error) {
	t.Helper()
	if r.failed == "" {
		r.failed = stage + ": " + err.Error()
	}
	t.Errorf("%s, %s: %s: %v", r.name, r.paddle, stage, err)
}

// String returns the cells of r, between tabs.
func (r row) String() string {
	verdict := "ok"
	if r.failed != "" {
		verdict = "FAILS " + r.failed
	}
	if r.apart.integers > 0 {
		verdict += fmt.Sprintf("; piece by piece: %d of %d integers by one", r.apart.moved, r.apart.integers)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%.1e\t%.1e\t%.1e\t%.6f\t%.6f\t%.6f\t%s", r.Family, r.name, r.paddle,
		r.fp32, r.octetExact, r.paddleExact, r.fused, r.simulated, r.qdq, verdict)
}

type table []row

// print writes the table and the figure last.
func (rows table) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "family\tnetwork\tPaddle\tFP32 differs\tOctet, exact\tPaddle, exact\tINT8 fused\tqdq\tqdq, int8 engine\t")
	for _, r := range rows {
		fmt.Fprintln(tw, r)
	}
	_ = tw.Flush() // to standard output
	fmt.Fprintln(w, rows.figure())
}

// figure returns the last line.
func (rows table) figure() string {
	good, whole, worst, families := 0, 0, 0.0, map[string]bool{}
	for _, r := range rows {
		families[r.Family] = families[r.Family] || r.failed != ""
		if worst = max(worst, r.fp32); r.failed != "" {
			continue
		}
		good++
	}
	for _, failed := range families {
		if !failed {
			whole++
		}
	}
	return fmt.Sprintf("zoo: %d of %d networks, %d of %d families: FP32 within %v of Paddle (the worst %.1e), INT8 cosine at least %v",
		good, len(rows), whole, len(families), tolerance, worst, leastCosine)
}
