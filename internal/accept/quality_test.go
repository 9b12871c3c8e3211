package accept

import (
	"fmt"
	"io"
	"os"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

// A way is a row of the table of `make quality`: how thresholds are chosen and
// what else is done to the network. To add a row, add a way to ways; a new
// improvement is an option in its quantise, which gets the FP32 model, a Calibrator that has
// seen the pictures, and its table.
type way struct {
	name     string
	quantise func(m *model.Model, c *calibrate.Calibrator, t *calibrate.Table) (*graph.Graph, error)
}

func ways() (list []way) {
	for _, a := range calibrate.Algorithms() {
		list = append(list, way{string(a), func(m *model.Model, c *calibrate.Calibrator, t *calibrate.Table) (*graph.Graph, error) {
			var err error
			if a == calibrate.Auto { // the one that the Calibrator was made for
				return c.INT8Graph()
			}
			if t, err = t.Rethreshold(a); err != nil {
				return nil, err
			}
			g, err := graph.Build(m)
			if err != nil {
				return nil, err
			}
			return calibrate.Quantize(g, t, calibrate.Options{Algorithm: a})
		}})
	}
	return list
}

// A quality is what one way does to one network.
type quality struct {
	net, way string
	*eval.Result
	choose time.Duration // of thresholds and INT8 weights, without sampling
}

// TestRealModelsQuality calibrates each network once, on 472 pictures, chooses
// thresholds from that by every way, and compares the INT8 network with FP32 on
// 780 others, whose FP32 probabilities are computed once. It prints the table of
// docs/calibration.md.
func TestRealModelsQuality(t *testing.T) {
	val := pictures(t, "val_list.txt")
	var rows []quality
	for _, n := range nets {
		m := n.load(t)
		c, err := calibrate.New(m, calibrate.Options{Algorithm: calibrate.Auto, Runner: infer.NewRunner})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		sample(t, c, m, loader(t, pictures(t, "train_list.txt"), n.preset, 8))
		table, err := c.Table()
		if err != nil {
			t.Fatal(err)
		}
		images := loader(t, val, n.preset.NoResize(), 60)
		fp32, err := infer.NewPredictor(m, infer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer fp32.Close()
		reference := &eval.Net{Name: m.Name, Program: m.Program, Runner: eval.Remember(fp32), Loader: images}
		for _, w := range ways() {
			t.Run(n.name+"/"+w.name, func(t *testing.T) {
				start := time.Now()
				g, err := w.quantise(m, c, table)
				if err != nil {
					t.Fatal(err)
				}
				took := time.Since(start)
				q, err := graph.ToModel(g, graph.FormFused) // as it is saved
				if err != nil {
					t.Fatal(err)
				}
				p, err := infer.NewPredictor(q, infer.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				r, err := eval.Run(t.Context(), reference, &eval.Net{Name: m.Name, Program: q.Program, Runner: p, Loader: images}, nil)
				if err != nil {
					t.Fatal(err)
				}
				rows = append(rows, quality{n.name, w.name, r, took})
			})
		}
	}
	if err := writeQuality(os.Stdout, rows); err != nil {
		t.Error(err)
	}
}

// writeQuality writes the table in Markdown, aligned for a terminal.
func writeQuality(out io.Writer, rows []quality) error {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintf(w, "| model\t| algorithm\t| top-1\t| top-5\t| agreement\t| mean KL\t| time\t|\n|---\t|---\t|--:\t|--:\t|--:\t|--:\t|--:\t|\n")
	last := ""
	for _, r := range rows {
		if r.net != last {
			last = r.net
			fmt.Fprintf(w, "| %s\t| FP32\t| %.2f %%\t| %.2f %%\t| \t| \t| \t|\n", r.net, r.FP32.Top1, r.FP32.Top5)
		}
		fmt.Fprintf(w, "| %s\t| %s\t| %.2f %%\t| %.2f %%\t| %.2f %%\t| %.5f\t| %.1f s\t|\n",
			r.net, r.way, r.INT8.Top1, r.INT8.Top5, *r.Agreement, *r.MeanKL, r.choose.Seconds())
	}
	return w.Flush()
}
