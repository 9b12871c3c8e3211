package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/calibrate/budget"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

// A budgetFlags is the flags that say what an INT8 model must keep.
type budgetFlags struct {
	flags                        *pflag.FlagSet
	maxDrop, minAgreement, maxKL float64
	data, list                   string
	resizeShort                  int
	state                        string
	saveAnyway                   bool
}

func (f *budgetFlags) register(flags *pflag.FlagSet) {
	f.flags = flags
	flags.Float64Var(&f.maxDrop, "max-drop", 0, "leave layers FP32, at the least cost in time, so that top-1 falls by this many `POINTS` at most (without labels: so many percent of the pictures change class)")
	flags.Float64Var(&f.minAgreement, "min-agreement", 0, "and so that this many `PERCENT` of the pictures keep their class")
	flags.Float64Var(&f.maxKL, "max-kl", 0, "and so that the mean divergence of the probabilities is this many `NATS` at most")
	flags.StringVar(&f.data, "eval-data", "", "folder of the pictures that --max-drop and the like are about (default: --data)")
	flags.StringVar(&f.list, "eval-list", "", "their list (default: val_list.txt of that folder, or its sub-folders as classes)")
	flags.IntVar(&f.resizeShort, "eval-resize-short", 0, "--resize-short of those pictures, if it is another")
	flags.StringVar(&f.state, "budget-state", "", "`FILE` of what was measured, to go on from and as a record (default: OUT.budget.json)")
	flags.BoolVar(&f.saveAnyway, "save-anyway", false, "save the nearest model where none keeps --max-drop and the like")
}

// limits returns what is asked, and whether anything is.
func (f *budgetFlags) limits() (l budget.Limits, asked bool) {
	for _, one := range []struct {
		name  string
		value *float64
		to    **float64
	}{{"max-drop", &f.maxDrop, &l.MaxDrop}, {"min-agreement", &f.minAgreement, &l.MinAgreement}, {"max-kl", &f.maxKL, &l.MaxKL}} {
		if f.flags.Changed(one.name) {
			*one.to, asked = one.value, true
		}
	}
	return l, asked
}

// check refuses flags that say nothing without a limit.
func (f *budgetFlags) check() error {
	if l, asked := f.limits(); asked {
		return l.Check()
	}
	for _, name := range []string{"eval-data", "eval-list", "eval-resize-short", "budget-state", "save-anyway"} {
		if f.flags.Changed(name) {
			return usagef("--%s says nothing without --max-drop, --min-agreement or --max-kl", name)
		}
	}
	return nil
}

// A budgeting is a search for the layers to leave in FP32.
type budgeting struct {
	*budgetFlags
	app    *app
	model  *model.Model
	probes *dataset.Loader // one batch of the calibration pictures
	val    *dataset.Loader
	form   graph.Form
}

// budgeting returns the search that the flags ask for, nil if they ask for none.
func (a *app) budgeting(f *calibrateFlags, m *model.Model, train *dataset.List, preset dataset.Preset, form graph.Form) (*budgeting, error) {
	b := &budgeting{budgetFlags: &f.budget, app: a, model: m, form: form}
	if _, asked := b.limits(); !asked {
		return nil, nil
	}
	var err error
	if b.probes, err = dataset.NewLoader(train.Spread(budgetProbes), preset, dataset.LoaderOptions{Batch: budgetProbes, Workers: f.workers, BadImages: dataset.SkipBad}); err != nil {
		return nil, err
	}
	if b.data == "" {
		b.data = f.data
	}
	list, err := dataset.Open(b.data, b.list, dataset.ListOptions{})
	if err != nil {
		return nil, err
	}
	if b.flags.Changed("eval-resize-short") {
		preset.ResizeShort = b.resizeShort
	}
	if b.val, err = f.loader(list, preset); err != nil {
		return nil, err
	}
	if list.Root == train.Root && list.Name == train.Name {
		a.warn("the model is judged by the pictures that it is calibrated on: --eval-list names others")
	}
	if b.state == "" {
		b.state = filepath.Clean(f.out) + ".budget.json"
	}
	return b, nil
}

// budgetProbes is how many of the calibration pictures sensitivities are measured on.
const budgetProbes = 64

// quietLoad is how many CPUs others may keep busy while prices are measured.
const quietLoad = 0.3

// settle finds the layers and has c leave them FP32. There is a result too where no
// set of layers keeps the limits, which is an error unless the user wants the
// nearest. That of nil does nothing.
func (b *budgeting) settle(ctx context.Context, c *calibrate.Calibrator) (found *budget.Result, err error) {
	if b == nil {
		return nil, nil
	}
	j := &budget.Job{Layers: c.Layers(), Runner: infer.NewRunner, Changed: b.save, Progress: b.progress}
	j.Limits, _ = b.limits()
	if j.Graph, err = graph.Build(b.model); err != nil {
		return nil, err
	}
	if j.Probes, err = b.firstBatch(ctx); err != nil {
		return nil, err
	}
	j.Quantize = func(fp32 []string) (*graph.Graph, error) {
		if err := c.LeaveFP32(fp32...); err != nil {
			return nil, err
		}
		return c.Draft()
	}
	whole, err := j.Quantize(nil)
	if err != nil {
		return nil, err
	}
	reference, err := b.reference(ctx)
	if err != nil {
		return nil, err
	}
	if j.State, err = b.known(whole, j.Probes, reference); err != nil {
		return nil, err
	}
	j.Evaluate = func(ctx context.Context, g *graph.Graph) (budget.Verdict, error) {
		if err := c.Settle(g); err != nil {
			return budget.Verdict{}, err
		}
		return b.evaluate(ctx, g, reference)
	}
	pricer, err := b.pricer(whole)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, pricer.Close()) }()
	j.Price = func(ctx context.Context, g *graph.Graph) (p budget.Price, err error) {
		saved, err := b.asSaved(g)
		if err != nil {
			return p, err
		}
		c, err := pricer.Price(ctx, saved)
		return budget.Price(c), err
	}
	found, err = budget.Find(ctx, j)
	if errors.Is(err, budget.ErrNotReached) && b.saveAnyway {
		b.app.warn("%v; the nearest is saved", err)
		err = nil
	}
	if err != nil {
		return found, err
	}
	if found.OtherLoad > quietLoad {
		b.app.warn("layers were priced while other processes kept %.1f CPUs busy: for prices that mean something remove %s and begin anew on a quiet machine", found.OtherLoad, b.state)
	}
	if text := j.Limits.Doubts(found.Verdict); text != "" {
		b.app.warn("%s", text)
	}
	return found, c.LeaveFP32(found.Names()...)
}

// asSaved returns the graph of the program that g is saved as.
func (b *budgeting) asSaved(g *graph.Graph) (*graph.Graph, error) {
	m, err := graph.ToModel(g, b.form)
	if err != nil {
		return nil, err
	}
	return graph.Build(m)
}

func (b *budgeting) pricer(whole *graph.Graph) (*bench.Pricer, error) {
	saved, err := b.asSaved(whole)
	if err != nil {
		return nil, err
	}
	return bench.NewPricer(saved)
}

// firstBatch returns the inputs for the probes.
func (b *budgeting) firstBatch(ctx context.Context) ([]*model.Tensor, error) {
	feeds, err := eval.FeedsOf(b.model.Program)
	if err != nil {
		return nil, err
	}
	for batch, err := range b.probes.Batches(ctx) {
		if err != nil {
			return nil, err
		}
		return feeds.Unlabelled(batch.Images, batch.Labels)
	}
	return nil, fmt.Errorf("accuracy budget: %w", calibrate.ErrNoSamples)
}

// reference runs FP32 on the pictures of the evaluation.
func (b *budgeting) reference(ctx context.Context) (r *eval.Reference, err error) {
	p, err := infer.NewPredictor(b.model, infer.Options{Logger: b.app.logger()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	progress := b.app.meter("evaluate FP32", "pictures", b.val.Len())
	defer progress.done()
	return eval.NewReference(ctx, &eval.Net{Name: b.model.Name, Program: b.model.Program, Runner: p, Loader: b.val}, progress.add)
}

// evaluate compares the program that g is saved as with FP32.
func (b *budgeting) evaluate(ctx context.Context, g *graph.Graph, r *eval.Reference) (v budget.Verdict, err error) {
	m, err := graph.ToModel(g, b.form)
	if err != nil {
		return v, err
	}
	p, err := infer.NewPredictor(m, infer.Options{Logger: b.app.logger()})
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	progress := b.app.meter("evaluate INT8", "pictures", b.val.Len())
	defer progress.done()
	paired, err := r.Compare(ctx, &eval.Net{Name: b.model.Name, Program: m.Program, Runner: p, Loader: b.val}, progress.add)
	return budget.Verdict(paired), err
}

// known returns what an earlier run found that holds for this one.
func (b *budgeting) known(whole *graph.Graph, probes []*model.Tensor, r *eval.Reference) (*budget.State, error) {
	m, err := graph.ToModel(whole, b.form)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	fmt.Fprintln(h, model.Fingerprint(b.model), model.Fingerprint(m))
	for _, t := range probes {
		h.Write(t.Data)
	}
	machine := bench.ThisMachine()
	keys := budget.Keys{Model: hex.EncodeToString(h.Sum(nil)), Machine: machine.String(), Pictures: machine.ISA + " " + r.Digest()}
	text, err := readFile(b.state)
	if errors.Is(err, fs.ErrNotExist) {
		return budget.NewState(keys), nil
	}
	if err != nil {
		return nil, err
	}
	s, err := budget.ParseState(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; remove it to begin anew", b.state, err)
	}
	return s.For(keys), nil
}

// save writes the state aside and renames it.
func (b *budgeting) save(s *budget.State) error {
	return replaceFile(b.state, s)
}

// progress shows a stage; evaluations show themselves.
func (b *budgeting) progress(what string, steps int) func(end bool) {
	m := b.app.meter(what, "layers", steps)
	return func(end bool) {
		if end {
			m.done()
			return
		}
		m.add(1)
	}
}
