package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

type calibrateFlags struct {
	pictures
	out          string
	algo, compat string
	samples      int
	format       string
	firstConv    bool
	fp32FC       bool
	refine       bool
	protect      bool
	overwrite    bool
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
With --format onnx OUT is one file, an ONNX model in QDQ form for ONNX Runtime and
others; Octet itself does not read it.`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return a.calibrate(c.Context(), args[0], &f) },
	}
	flags := c.Flags()
	flags.StringVarP(&f.out, "output", "o", "", "where to save the INT8 model")
	flags.StringVar(&f.algo, "algo", string(calibrate.Max), "how thresholds are chosen: auto, EMD, histogram, KL, max, min-max, moving-average, MSE or percentile")
	flags.StringVar(&f.compat, "compat", "", "paddle13: exactly the thresholds of Paddle 1.3's KL")
	flags.IntVar(&f.samples, "samples", 0, "take N pictures, evenly spread over the list; 0 takes all")
	flags.StringVar(&f.format, "format", graph.FormFused.String(), "form of the program: fused or qdq (Paddle 2.6 and later), v13 (Paddle 1.3), or onnx")
	flags.BoolVar(&f.firstConv, "first-conv-int8", false, "quantise the first convolution too")
	flags.BoolVar(&f.fp32FC, "fp32-fc", false, "keep fully connected layers FP32")
	flags.BoolVar(&f.refine, "refine", true, "choose rounding and biases so that layers give what FP32 gives (off with --compat)")
	flags.BoolVar(&f.protect, "protect", false, "lower the scales of weights that could overflow on CPUs without VNNI")
	flags.BoolVar(&f.overwrite, "overwrite", false, "replace the model at OUT, if there is one")
	f.register(flags)
	return c
}

// calibrate checks all that can be checked before the pictures are run.
func (a *app) calibrate(ctx context.Context, path string, f *calibrateFlags) error {
	o, err := f.options(a)
	if err != nil {
		return err
	}
	if err := checkOutput(path, f.out, f.overwrite); err != nil {
		return err
	}
	m, err := model.Load(path)
	if err != nil {
		return err
	}
	preset, err := f.preset(path)
	if err != nil {
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
	if o.Form == graph.FormV13 {
		a.warn("%s", v13Warning)
	}
	var opts []model.SaveOption
	if f.overwrite {
		opts = append(opts, model.WithOverwrite())
	}
	save := saveINT8
	if f.format == formatONNX {
		save = saveINT8ONNX
	}
	done, err := a.quantize(ctx, quantization{"calibrate", m, loader, preset, o, f.out, save, opts})
	a.warnSkipped(loader)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s: %s\n", f.out, done)
	return nil
}

const v13Warning = "format v13 is for Paddle 1.3: Paddle 2.6 and later run such a file without an error and compute wrong numbers"

// int8Forms are the ways to spell an INT8 model as a Paddle program.
var int8Forms = map[string]graph.Form{
	graph.FormFused.String(): graph.FormFused,
	graph.FormV13.String():   graph.FormV13,
	graph.FormQDQ.String():   graph.FormQDQ,
}

func (f *calibrateFlags) options(a *app) (calibrate.Options, error) {
	o := calibrate.Options{
		Algorithm: calibrate.Algorithm(f.algo), Compat: calibrate.Compat(f.compat), Runner: infer.NewRunner,
		FirstConvINT8: f.firstConv, FP32FullyConnected: f.fp32FC,
		Refine: f.refine && f.compat == "", Protect: f.protect, Logger: a.logger(),
	}
	form, ok := int8Forms[f.format]
	if !ok && f.format != formatONNX {
		return o, usagef("--format is %q: want one of %s, %s", f.format, strings.Join(slices.Sorted(maps.Keys(int8Forms)), ", "), formatONNX)
	}
	if err := checkONNXName(f.format, f.out); err != nil {
		return o, err
	}
	o.Form = form
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
}

// A saver writes the INT8 model of c to out.
type saver func(c *calibrate.Calibrator, out string, opts ...model.SaveOption) error

func saveINT8(c *calibrate.Calibrator, out string, opts ...model.SaveOption) error {
	return c.SaveINT8Model(out, opts...)
}

// quantize takes the seed's three steps: a Calibrator, Sample for every batch,
// SaveINT8Model. It returns a summary in words.
func (a *app) quantize(ctx context.Context, q quantization) (done string, err error) {
	feeds, err := eval.FeedsOf(q.model.Program)
	if err != nil {
		return "", fmt.Errorf("%s: %w", q.model.Name, err)
	}
	if err := feeds.Check(q.preset); err != nil {
		return "", fmt.Errorf("%s: %w", q.model.Name, err)
	}
	preset, err := json.MarshalIndent(q.preset, "", " ")
	if err != nil {
		return "", err
	}
	c, err := calibrate.New(q.model, q.o)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	// Thresholds that need a second pass take as long as the first; only Close ends it.
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()

	images, err := a.sample(ctx, c, feeds, q)
	if err != nil {
		return "", err
	}
	g, err := c.INT8Graph()
	if err != nil {
		return "", orInterrupted(ctx, err)
	}
	opts := append([]model.SaveOption{model.WithFile(dataset.PresetFile, append(preset, '\n'))}, q.opts...)
	if err := q.save(c, q.out, opts...); err != nil {
		return "", orInterrupted(ctx, err)
	}
	quantised, all := layersINT8(g)
	return fmt.Sprintf("%d of %d layers INT8, from %s", quantised, all, plural(images, "picture")), nil
}

// sample feeds all pictures to c and returns how many there were.
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
		if _, err := c.Sample(ctx, in); err != nil {
			return 0, orInterrupted(ctx, fmt.Errorf("pictures from %s on: %w", b.Paths[0], err))
		}
		images += b.Len()
		progress.add(b.Len())
		b.Release()
	}
	return images, nil
}

// orInterrupted returns ctx's error if that is why something failed.
func orInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// layersINT8 counts the layers with weights, and those of them that are INT8.
func layersINT8(g *graph.Graph) (quantised, all int) {
	for _, l := range g.Layers {
		switch op := l.Op.(type) {
		case *graph.Conv:
			all++
			if op.Int8 != nil {
				quantised++
			}
		case *graph.FC:
			all++
			if op.Int8 != nil {
				quantised++
			}
		}
	}
	return quantised, all
}
