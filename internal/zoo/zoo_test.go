package zoo

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// leastCosine is the project's promise for an INT8 program in Octet and in real
// Paddle.
const leastCosine = 0.9999

// TestZoo makes the networks of the zoo with real Paddle, and holds what Octet
// makes of them against Paddle: in FP32, and of the INT8 programs that Octet
// writes. It prints the table. Networks stay in the user's cache; a pattern such
// as TestZoo/paddle26/resnet50$ makes and judges that one.
func TestZoo(t *testing.T) {
	if os.Getenv("OCTET_ZOO") == "" {
		t.Skip("SKIP-NOPADDLE: make zoo runs this")
	}
	var table table
	for _, p := range paddles {
		t.Run(p.version, func(t *testing.T) {
			w := &worker{python: p.python(t)}
			defer w.stop()
			dir := p.cached(t)
			for _, name := range w.names(t) {
				t.Run(name, func(t *testing.T) {
					r := row{paddle: p.version, network: w.network(t, dir, name)}
					r.judge(t, w)
					t.Log(r)
					table = append(table, r)
				})
			}
		})
	}
	table.print(os.Stdout)
}

// judge fills r, and fails where it falls short.
func (r *row) judge(t *testing.T, w *worker) {
	m, err := model.Load(r.dir)
	if err != nil {
		r.fail(t, "load", err)
		return
	}
	in := r.tensors(t, "in")
	var out []*model.Tensor
	if r.fp32, out, err = r.floating(t, m); err == nil {
		err = r.referee(t, out, r.tensors(t, "out"))
	}
	if err != nil {
		r.fail(t, "FP32", err)
		return
	}
	if !(r.fp32 <= tolerance) {
		r.fail(t, "FP32", fmt.Errorf("differs by %.2g", r.fp32))
	}
	g, err := quantised(t, m, r.tensors(t, "calib"))
	if err != nil {
		r.fail(t, "calibrate", err)
		return
	}
	if pair := needlessPair(g); pair != "" {
		r.fail(t, "INT8", fmt.Errorf("%s is dequantised only to be quantised again", pair))
	}
	// As it stands: fusions that Paddle makes of some programs have no kernels.
	if r.fused, err = r.int8(t, w, g, graph.FormFused, "plain"); err != nil {
		r.fail(t, "fused", err)
	} else if !(r.fused >= leastCosine) {
		r.fail(t, "fused", r.diagnose(t, w, g, in))
	}
	if r.simulated, err = r.int8(t, w, g, graph.FormQDQ, "plain"); err != nil {
		r.fail(t, "qdq", err)
	}
	if r.qdq, err = r.int8(t, w, g, graph.FormQDQ, "int8"); err != nil {
		r.fail(t, "qdq", err)
	}
}

// diagnose tells of a network whose cosine falls short what its pieces make of
// Paddle's integers.
func (r *row) diagnose(t *testing.T, w *worker, g *graph.Graph, in []*model.Tensor) error {
	apart, err := pieceByPiece(t, g, in, func(m *model.Model) ([]*model.Tensor, error) {
		prefix, err := saved(t, m)
		if err != nil {
			return nil, err
		}
		return w.run(t, prefix, "plain", r.files(t, "in"))
	})
	r.apart = apart
	if err != nil {
		return fmt.Errorf("cosine %.6f: want %v; %w", r.fused, leastCosine, err)
	}
	return fmt.Errorf("cosine %.6f: want %v", r.fused, leastCosine)
}

// referee measures the FP32 answers of Octet and of Paddle against the exact
// ones. Lists of boxes may have other rows there: those are left out.
func (r *row) referee(t *testing.T, octet, paddle []*model.Tensor) (err error) {
	var a, b, exact []*model.Tensor
	for i, x := range r.tensors(t, "exact") {
		if slices.Equal(x.Dims, octet[i].Dims) {
			a, b, exact = append(a, octet[i]), append(b, paddle[i]), append(exact, x)
		}
	}
	if r.octetExact, err = relative(a, exact); err != nil {
		return err
	}
	r.paddleExact, err = relative(b, exact)
	return err
}

// int8 writes g in a form and returns the cosine of what Octet and Paddle, in a
// mode, make of the file.
func (r *row) int8(t *testing.T, w *worker, g *graph.Graph, form graph.Form, mode string) (float64, error) {
	m, err := graph.ToModel(g, form)
	if err != nil {
		return 0, err
	}
	prefix, err := saved(t, m)
	if err != nil {
		return 0, err
	}
	if m, err = model.Load(prefix); err != nil {
		return 0, err
	}
	least := 1.0
	for _, size := range r.sizes() {
		ours, err := answers(t, m, r.tensors(t, size+"in"))
		if err != nil {
			return 0, err
		}
		theirs, err := w.run(t, prefix, mode, r.files(t, size+"in"))
		if err != nil {
			return 0, err
		}
		c, err := cosine(g, ours, theirs)
		if err != nil {
			return 0, err
		}
		least = min(least, c)
	}
	return least, nil
}

// saved writes a program for Paddle and returns where it is.
func saved(t *testing.T, m *model.Model) (string, error) {
	prefix := filepath.Join(t.TempDir(), "m")
	return prefix, model.Save(m, prefix, model.WithForm(model.FormPdModel))
}

// floating runs m in FP32 and returns how far it is from Paddle, and its answers.
// The same predictor takes the other size of pictures before, where there is one.
func (n network) floating(t *testing.T, m *model.Model) (worst float64, out []*model.Tensor, err error) {
	p, err := infer.NewPredictor(m, infer.Options{})
	if err != nil {
		return 0, nil, err
	}
	defer p.Close()
	for _, size := range append(n.sizes()[1:], "") {
		in := n.tensors(t, size+"in")
		if out, err = p.Run(t.Context(), in); err != nil {
			return 0, nil, fmt.Errorf("pictures %v: %w", in[0].Dims, err)
		}
		d, err := relative(out, n.tensors(t, size+"out"))
		if err != nil {
			return 0, nil, fmt.Errorf("pictures %v: %w", in[0].Dims, err)
		}
		worst = max(worst, d)
	}
	return worst, out, nil
}

func answers(t *testing.T, m *model.Model, in []*model.Tensor) ([]*model.Tensor, error) {
	t.Helper()
	p, err := infer.NewPredictor(m, infer.Options{})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return p.Run(t.Context(), in)
}

// quantised calibrates m on one batch.
func quantised(t *testing.T, m *model.Model, in []*model.Tensor) (*graph.Graph, error) {
	t.Helper()
	c, err := calibrate.New(m, calibrate.Options{Algorithm: calibrate.KL, Runner: infer.NewRunner})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := c.Sample(t.Context(), in); err != nil {
		return nil, err
	}
	return c.INT8Graph()
}

// needlessPair returns the name of a tensor that is dequantised although all
// that reads it quantises it again by the same scale, or "".
func needlessPair(g *graph.Graph) string {
	uses := g.Consumers()
	for _, l := range g.Layers {
		d, ok := l.Op.(*graph.Dequantize)
		if !ok {
			continue
		}
		if slices.ContainsFunc(uses[l.Out[0]], func(u graph.Use) bool {
			q, ok := u.Layer.Op.(*graph.Quantize)
			return ok && q.Scale == d.Scale
		}) {
			return l.Out[0].Name
		}
	}
	return ""
}
