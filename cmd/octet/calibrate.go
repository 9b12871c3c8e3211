package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

type calibrateFlags struct {
	pictures
	placement
	algo, compat string
	samples      int
	refine       bool
	json         bool
	checkpointFlags
	budget budgetFlags
	report string
}

func calibrateCmd(a *app) *cobra.Command {
	var f calibrateFlags
	c := &cobra.Command{
		Use:   "calibrate MODEL -o OUT --data DIR",
		Short: "make an INT8 model from an FP32 one and sample pictures",
		Long: `Calibrate runs the FP32 model on sample pictures, watches its activations, chooses a
scale for each tensor, and saves an INT8 model that Octet and Paddle run. The
calibration table and the preset of the preprocessing are saved beside it.
An OUT that ends in .pdmodel is saved in the form of Paddle 2, others as a folder.
With --max-drop, --min-agreement or --max-kl it leaves those layers FP32 that keep the
accuracy on other pictures at the least cost in time; it goes on from what an earlier
run measured.
With --format onnx OUT is one file, an ONNX model in QDQ form for ONNX Runtime and
others; Octet itself does not read it.`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return a.calibrate(c.Context(), args[0], &f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.algo, "algo", string(calibrate.KL), "how thresholds are chosen: "+algorithmNames)
	flags.StringVar(&f.compat, "compat", "", "paddle13: exactly the thresholds of Paddle 1.3's KL")
	flags.IntVar(&f.samples, "samples", 0, "take N pictures, evenly spread over the list; 0 takes all")
	flags.BoolVar(&f.refine, "refine", true, "choose rounding and biases so that layers give what FP32 gives (off with --compat)")
	flags.BoolVar(&f.json, "json", false, "print one JSON object")
	flags.StringVar(&f.report, "report", "", "also write `FILE`, an HTML page about the INT8 model: see octet report")
	f.placement.register(flags)
	f.checkpointFlags.register(flags)
	f.budget.register(flags)
	f.pictures.register(flags)
	return c
}

// calibrate checks all that can be checked before the pictures are run.
func (a *app) calibrate(ctx context.Context, path string, f *calibrateFlags) (err error) {
	o, err := f.options(a)
	if err != nil {
		return err
	}
	checkpoint, err := f.checkpoint(a, o, f.out)
	if err != nil {
		return err
	}
	if err := checkOutput(path, f.out, f.overwrite); err != nil {
		ours, whole := checkpoint.saved(f.out)
		if !ours || !errors.Is(err, fs.ErrExist) {
			return err
		}
		if whole && !f.asksForMore() {
			fmt.Fprintf(a.out, "%s: saved already, from %s\n", f.out, plural(checkpoint.pictures(), "picture"))
			return checkpoint.remove()
		}
		f.overwrite = true // by the same bytes
	}
	m, err := model.Load(path)
	if err != nil {
		return err
	}
	preset, err := f.preset(path)
	if err != nil {
		return err
	}
	if err := f.readPixels(&o, o.Refine, m, preset); err != nil {
		return err
	}
	list, err := f.pictures.open(false)
	if err != nil {
		return err
	}
	if f.samples > 0 {
		list = list.Spread(f.samples)
	}
	loader, err := f.loader(list, preset)
	if err != nil {
		return err
	}
	b, err := a.budgeting(f, m, list, preset, o.Form)
	if err != nil {
		return err
	}
	f.warnForm(a)
	checkpoint.bind(list, preset, f)
	defer func() {
		if interrupted(ctx, err) {
			checkpoint.hint()
		}
	}()
	save := saverOf(f.format)
	if f.report != "" {
		if save, err = a.reportingSaver(ctx, save, path, m, f); err != nil {
			return err
		}
	}
	done, err := a.quantize(ctx, quantization{what: "calibrate", model: m, loader: loader, preset: preset, o: o,
		out: f.out, save: save, opts: f.saveOptions(), checkpoint: checkpoint, budget: b})
	a.warnSkipped(loader)
	if done == nil {
		return err
	}
	if f.json {
		return errors.Join(err, a.out.json(done))
	}
	if done.Budget != nil {
		err = errors.Join(err, writeBudget(a.out, done.Budget))
	}
	if done.Output != "" {
		done.write(a)
	}
	return err
}

// asksForMore reports whether the run is to give something beside the INT8 model.
func (f *calibrateFlags) asksForMore() bool {
	_, budget := f.budget.limits()
	return budget || f.report != "" || f.json
}

func (f *calibrateFlags) options(a *app) (calibrate.Options, error) {
	o, err := f.placement.options(a)
	if err != nil {
		return o, err
	}
	if err := f.budget.check(); err != nil {
		return o, err
	}
	if _, asked := f.budget.limits(); asked && len(f.fp32) > 0 {
		return o, usagef("--fp32-layers names layers, and a budget chooses them: want one of the two")
	}
	o.Algorithm, o.Compat = calibrate.Algorithm(f.algo), calibrate.Compat(f.compat)
	o.Refine = f.refine && f.compat == ""
	if f.samples < 0 {
		return o, usagef("--samples is %d: want a number of pictures, or 0 for all", f.samples)
	}
	return o, nil
}

// A quantization is one run of the calibrator.
type quantization struct {
	what   string // for the progress
	model  *model.Model
	loader *dataset.Loader
	preset dataset.Preset
	o      calibrate.Options
	out    string
	save   saver
	opts   []model.SaveOption
	// table, unless nil, is what to go on from, read from tableFile: its pictures are
	// shown again and none is sampled.
	table     *calibrate.Table
	tableFile string
	// checkpoint is nil if the run is not to be resumed.
	checkpoint *checkpoint
	// budget is nil if no layers are to be left in FP32 for accuracy.
	budget *budgeting
}

// quantize takes the seed's three steps: a Calibrator, Sample for every batch,
// and the INT8 model saved.
func (a *app) quantize(ctx context.Context, q quantization) (done *calibrated, err error) {
	feeds, err := feedsFor(q.model, q.preset)
	if err != nil {
		return nil, err
	}
	c, err := calibrate.New(q.model, q.o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	// Thresholds that need a second pass take as long as the first; only Close ends it.
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()

	if err := q.restore(c); err != nil {
		return nil, err
	}
	images, err := a.sample(ctx, c, feeds, q)
	if err != nil {
		return nil, err
	}
	found, err := q.budget.settle(ctx, c)
	if err == nil {
		done, err = a.saveCalibrated(c, q)
	}
	if err != nil {
		if found != nil { // worth telling, though nothing is saved
			done = &calibrated{Budget: found, Movements: []movement{}, Doubts: []string{}}
		}
		return done, orInterrupted(ctx, err)
	}
	done.Budget = found
	if q.table == nil {
		done.Pictures = images
	}
	return done, q.checkpoint.remove()
}

// restore puts c into the state that the run goes on from.
func (q quantization) restore(c *calibrate.Calibrator) error {
	if q.table == nil {
		return q.checkpoint.restore(c)
	}
	if err := c.Restore(q.table); err != nil {
		return fmt.Errorf("%s: %w", q.tableFile, err)
	}
	return nil
}

// seen reports whether the pictures after so many have been sampled by an earlier run.
func (q quantization) seen(images int) bool {
	return q.table != nil || images < q.checkpoint.pictures()
}

// feedsFor says how to feed m with pictures as the preset makes them.
func feedsFor(m *model.Model, p dataset.Preset) (eval.Feeds, error) {
	feeds, err := eval.FeedsOf(m.Program)
	if err == nil {
		err = feeds.Check(p)
	}
	if err != nil {
		return feeds, fmt.Errorf("%s: %w", m.Name, err)
	}
	return feeds, nil
}

// saveCalibrated makes the INT8 model from what c has seen, and saves it.
func (a *app) saveCalibrated(c *calibrate.Calibrator, q quantization) (*calibrated, error) {
	g, err := c.INT8Graph()
	if err != nil {
		return nil, err
	}
	t, err := c.Table()
	if err != nil {
		return nil, err
	}
	done, err := q.write(g, t)
	if err != nil {
		return nil, err
	}
	if t.Evidence != nil {
		done.movements(c.Movements())
	}
	return done, nil
}

// write saves the INT8 graph that was made with t.
func (q quantization) write(g *graph.Graph, t *calibrate.Table) (*calibrated, error) {
	preset, err := presetFile(q.preset)
	if err != nil {
		return nil, err
	}
	if err := q.save(g, t, q.out, append([]model.SaveOption{preset}, q.opts...)...); err != nil {
		return nil, err
	}
	return newCalibrated(q.out, g, t), nil
}

// sample feeds all pictures to c and returns how many there were. Those that an earlier
// run has sampled are only shown again.
func (a *app) sample(ctx context.Context, c *calibrate.Calibrator, feeds eval.Feeds, q quantization) (images int, err error) {
	progress := a.meter(q.what, "pictures", q.loader.Len())
	defer progress.done()
	for b, err := range q.loader.Batches(ctx) {
		if err != nil {
			return 0, err
		}
		in, err := feeds.Inputs(b.Images, b.Labels)
		if err != nil {
			return 0, err
		}
		if q.seen(images) {
			_, err = c.Offer(in)
		} else {
			_, err = c.Sample(ctx, in)
		}
		if err != nil {
			return 0, orInterrupted(ctx, fmt.Errorf("pictures from %s on: %w", b.Paths[0], err))
		}
		images += b.Len()
		q.checkpoint.sampled(c, images)
		progress.add(b.Len())
		b.Release()
	}
	return images, q.checkpoint.complete(c, images)
}

// orInterrupted returns ctx's error if that is why something failed.
func orInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
