package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// algorithmNames are what --algo takes.
const algorithmNames = "auto, EMD, histogram, KL, max, min-max, moving-average, MSE or percentile"

// A placement is the flags that say which layers become INT8, and how they are written.
type placement struct {
	out       string
	format    string
	pixels    bool
	firstConv bool
	fp32FC    bool
	fp32      []string
	protect   bool
	overwrite bool
}

func (f *placement) register(flags *pflag.FlagSet) {
	flags.StringVarP(&f.out, "output", "o", "", "where to save the INT8 model")
	flags.StringVar(&f.format, "format", graph.FormFused.String(), "form of the program: fused or qdq (Paddle 2.6 and later), v13 (Paddle 1.3), or onnx")
	flags.BoolVar(&f.pixels, "pixels", true, "have the first convolution read pixels, in INT8, where weights are refined, the preset tells how, and it reads the picture")
	flags.BoolVar(&f.firstConv, "first-conv-int8", false, "without --pixels: quantise the first convolution too")
	flags.BoolVar(&f.fp32FC, "fp32-fc", false, "keep fully connected layers FP32")
	flags.StringSliceVar(&f.fp32, "fp32-layers", nil, "keep these layers FP32 too: `NAMES` of what they give, as octet inspect MODEL prints them, with commas between")
	flags.BoolVar(&f.protect, "protect", false, "lower the scales of weights that could overflow on CPUs without VNNI")
	flags.BoolVar(&f.overwrite, "overwrite", false, "replace the model at OUT, if there is one")
}

// readPixels has the first convolution of m read the pixels that p makes the input of, if it can.
// Where nothing is refined that costs more accuracy than a first convolution in FP32.
func (f *placement) readPixels(o *calibrate.Options, refine bool, m *model.Model, p dataset.Preset) error {
	if !f.pixels || !refine || o.Compat != calibrate.None {
		return nil
	}
	g, err := graph.Build(m)
	if err != nil {
		return err
	}
	var pixels calibrate.Pixels
	pixels.Scale, pixels.Shift = p.Pixels()
	err = pixels.Check(g)
	if err == nil {
		o.Pixels = &pixels
	} else if o.Logger != nil {
		o.Logger.Info("the first convolution does not read pixels", "why", err)
	}
	return nil
}

// int8Forms are the ways to spell an INT8 model as a Paddle program.
var int8Forms = map[string]graph.Form{
	graph.FormFused.String(): graph.FormFused,
	graph.FormV13.String():   graph.FormV13,
	graph.FormQDQ.String():   graph.FormQDQ,
}

const v13Warning = "format v13 is for Paddle 1.3: Paddle 2.6 and later run such a file without an error and compute wrong numbers"

func (f *placement) warnForm(a *app) {
	if f.format == graph.FormV13.String() {
		a.warn("%s", v13Warning)
	}
}

func (f *placement) options(a *app) (calibrate.Options, error) {
	o := calibrate.Options{
		Runner: infer.NewRunner, FirstConvINT8: f.firstConv, FP32FullyConnected: f.fp32FC, FP32Layers: f.fp32, Protect: f.protect, Logger: a.logger(),
	}
	form, ok := int8Forms[f.format]
	if !ok && f.format != formatONNX {
		return o, usagef("--format is %q: want one of %s, %s", f.format, strings.Join(slices.Sorted(maps.Keys(int8Forms)), ", "), formatONNX)
	}
	o.Form = form
	return o, checkONNXName(f.format, f.out)
}

func (f *placement) saveOptions() []model.SaveOption {
	if f.overwrite {
		return []model.SaveOption{model.WithOverwrite()}
	}
	return nil
}

// A saver writes the INT8 graph that was made with a table to out, the table beside it.
type saver func(g *graph.Graph, t *calibrate.Table, out string, opts ...model.SaveOption) error

// saverOf returns what writes a format that options has checked.
func saverOf(format string) saver {
	if format == formatONNX {
		return saveINT8ONNX
	}
	return func(g *graph.Graph, t *calibrate.Table, out string, opts ...model.SaveOption) error {
		return calibrate.SaveINT8Model(g, t, int8Forms[format], out, opts...)
	}
}

// presetFile makes a saver write the preset beside the model.
func presetFile(p dataset.Preset) (model.SaveOption, error) {
	text, err := json.MarshalIndent(p, "", " ")
	return model.WithFile(dataset.PresetFile, append(text, '\n')), err
}
