package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

type evalFlags struct {
	pictures
	fp32, int8 string
	json       bool
}

func evalCmd(a *app) *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "eval --fp32 MODEL [--int8 MODEL] --data DIR",
		Short: "accuracy of an FP32 model and its INT8 copy",
		Long: `Eval runs both models on labelled pictures and counts how often they are right
(top-1, top-5), how often their first classes agree, and the mean divergence of their
probabilities. A model without a preset beside it is given the other's.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return a.eval(c.Context(), &f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.fp32, "fp32", "", "the FP32 `MODEL`")
	flags.StringVar(&f.int8, "int8", "", "the INT8 `MODEL` (without it only FP32 is evaluated)")
	flags.BoolVar(&f.json, "json", false, "print one JSON object")
	a.registerPin(flags)
	f.register(flags)
	return c
}

func (a *app) eval(ctx context.Context, f *evalFlags) error {
	if f.fp32 == "" {
		return usagef("--fp32 is missing: the FP32 model")
	}
	list, err := f.open(true)
	if err != nil {
		return err
	}
	result, err := a.evaluate(ctx, list, f)
	if err != nil {
		return err
	}
	if f.json {
		return a.out.json(result)
	}
	return eval.WriteTable(a.out, []eval.Row{{Name: f.fp32, Result: result}})
}

// evaluate evaluates the models named in f on list.
func (a *app) evaluate(ctx context.Context, list *dataset.List, f *evalFlags) (result *eval.Result, err error) {
	presets, err := f.presets()
	if err != nil {
		return nil, err
	}
	var nets [2]*eval.Net
	for i, path := range []string{f.fp32, f.int8} {
		if path == "" {
			continue
		}
		p, net, openErr := a.openNet(path, presets[i])
		if openErr != nil {
			return nil, openErr
		}
		defer func() { err = errors.Join(err, p.Close()) }()
		nets[i] = net
		if i == 1 && presets[0] == presets[1] {
			net.Loader = nets[0].Loader
			continue
		}
		if net.Loader, err = f.loader(list, presets[i]); err != nil {
			return nil, err
		}
	}
	progress := a.meter("eval", "pictures", list.Len())
	defer progress.done()
	result, err = eval.Run(ctx, nets[0], nets[1], progress.add)
	a.warnSkipped(nets[0].Loader)
	return result, err
}

// presets returns the presets of both models. Where only one has a file
// beside it, that holds for the other too: one is the copy of the other.
func (f *evalFlags) presets() (p [2]dataset.Preset, err error) {
	from := [2]string{f.fp32, f.int8}
	if f.int8 == "" {
		from[1] = f.fp32
	}
	for i := range from {
		_, found, err := dataset.PresetFor(from[i])
		if err != nil {
			return p, err
		}
		if !found {
			from[i] = from[1-i]
		}
	}
	for i := range from {
		if p[i], err = f.preset(from[i]); err != nil {
			return p, err
		}
	}
	return p, nil
}

// openNet loads and compiles a model for the pictures of a preset. The
// predictor has to be closed.
func (a *app) openNet(path string, preset dataset.Preset) (*infer.Predictor, *eval.Net, error) {
	m, err := model.Load(path, model.WithLazyParams())
	if err != nil {
		return nil, nil, err
	}
	feeds, err := eval.FeedsOf(m.Program)
	if err == nil {
		err = feeds.Check(preset)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	p, err := infer.NewPredictor(m, bench.Tuned(m, infer.Options{Logger: a.logger(), PackedCache: a.packed, Pin: a.pin}))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, &eval.Net{Name: path, Program: m.Program, Runner: p}, nil
}
