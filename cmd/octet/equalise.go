package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

type equaliseFlags struct {
	pictures
	out       string
	samples   int
	exponent  float64
	overwrite bool
}

func equaliseCmd(a *app) *cobra.Command {
	var f equaliseFlags
	c := &cobra.Command{
		Use:   "equalise MODEL -o OUT --data DIR",
		Short: "rewrite an FP32 model so that INT8 loses less",
		Long: `Equalise runs an FP32 model on a few pictures and rewrites its weights so that the
channels of its activations differ less in size. OUT is an FP32 model that answers
the same but for rounding; octet calibrate, quantize and report are given OUT instead of
MODEL. Factors pass through relus, sums and poolings; a model in which they pass
through nothing, such as one of relu6, is refused.`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return a.equalise(c.Context(), args[0], &f) },
	}
	flags := c.Flags()
	flags.StringVarP(&f.out, "output", "o", "", "where to save the FP32 model")
	flags.IntVar(&f.samples, "samples", 64, "take N pictures, evenly spread over the list; 0 takes all")
	flags.Float64Var(&f.exponent, "exponent", calibrate.DefaultEqualise, "how much of the difference goes: above 0, up to 1 for all of it")
	flags.BoolVar(&f.overwrite, "overwrite", false, "replace the model at OUT, if there is one")
	f.pictures.register(flags)
	return c
}

func (a *app) equalise(ctx context.Context, path string, f *equaliseFlags) (err error) {
	if !(f.exponent > 0 && f.exponent <= 1) || f.samples < 0 {
		return usagef("--exponent is %v and --samples %d: want a number above 0 and up to 1, and no negative number", f.exponent, f.samples)
	}
	if err := checkOutput(path, f.out, f.overwrite); err != nil {
		return err
	}
	m, err := model.Load(path)
	if err != nil {
		return err
	}
	e, err := calibrate.NewEqualiser(m, infer.NewRunner)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if e.Tensors() == 0 {
		return fmt.Errorf("%s: no channels to equalise: factors pass through none of its layers, as through no relu6: %w", path, calibrate.ErrMismatch)
	}
	preset, err := f.preset(path)
	if err != nil {
		return err
	}
	images, err := a.equaliseBy(ctx, e, m, preset, f)
	if err != nil {
		return err
	}
	rewritten, err := e.Model(f.exponent)
	if err != nil {
		return err
	}
	beside, err := presetFile(preset)
	if err != nil {
		return err
	}
	opts := []model.SaveOption{beside}
	if f.overwrite {
		opts = append(opts, model.WithOverwrite())
	}
	if err := model.Save(rewritten, f.out, opts...); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s: the channels of %s equalised, by %s\n", f.out, plural(e.Tensors(), "tensor"), plural(images, "picture"))
	return nil
}

// equaliseBy shows e the pictures and returns how many there were.
func (a *app) equaliseBy(ctx context.Context, e *calibrate.Equaliser, m *model.Model, preset dataset.Preset, f *equaliseFlags) (images int, err error) {
	list, err := f.pictures.open(false)
	if err != nil {
		return 0, err
	}
	if f.samples > 0 {
		list = list.Spread(f.samples)
	}
	loader, err := f.loader(list, preset)
	if err != nil {
		return 0, err
	}
	defer a.warnSkipped(loader)
	feeds, err := feedsFor(m, preset)
	if err != nil {
		return 0, err
	}
	progress := a.meter("equalise", "pictures", loader.Len())
	defer progress.done()
	for b, err := range loader.Batches(ctx) {
		if err != nil {
			return 0, err
		}
		in, err := feeds.Inputs(b.Images, b.Labels)
		if err != nil {
			return 0, err
		}
		if err := e.Sample(ctx, in); err != nil {
			return 0, orInterrupted(ctx, fmt.Errorf("pictures from %s on: %w", b.Paths[0], err))
		}
		images += b.Len()
		progress.add(b.Len())
		b.Release()
	}
	return images, nil
}
