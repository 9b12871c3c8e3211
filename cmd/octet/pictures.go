package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/octet-dnn/octet/dataset"
)

// A preprocessing is the flags that say how a picture becomes a network's input.
// What they leave open is in the preset beside the model, else the seed's reader.
type preprocessing struct {
	flags     *pflag.FlagSet
	file      string
	p         dataset.Preset
	filter    string
	rounding  string
	mean, std []float64
}

func (f *preprocessing) register(flags *pflag.FlagSet) {
	f.flags = flags
	d := dataset.DefaultPreset()
	flags.StringVar(&f.file, "preset", "", "preset `FILE` instead of the "+dataset.PresetFile+" beside the model")
	flags.IntVar(&f.p.ResizeShort, "resize-short", d.ResizeShort, "resize pictures to a short side of N pixels; 0 leaves them")
	flags.IntVar(&f.p.Crop, "crop", d.Crop, "cut a square of N pixels from the centre")
	flags.StringVar(&f.filter, "filter", string(d.Filter), "resize by box, bilinear, bicubic or lanczos")
	flags.StringVar(&f.rounding, "rounding", string(d.Rounding), "round the long side even, away or down")
	flags.Float64Var(&f.p.Divide, "divide", d.Divide, "divide pixels by this before mean and std")
	flags.Float64SliceVar(&f.mean, "mean", d.Mean[:], "subtract these from the channels")
	flags.Float64SliceVar(&f.std, "std", d.Std[:], "and divide them by these")
	flags.StringVar(&f.p.Channels, "channels", d.Channels, "order of channels, RGB or BGR")
	flags.StringVar(&f.p.Layout, "layout", d.Layout, "layout of the input, NCHW or NHWC")
}

// preset returns the preset for the model at path.
func (f *preprocessing) preset(path string) (dataset.Preset, error) {
	p, err := f.base(path)
	if err != nil {
		return p, err
	}
	for name, take := range map[string]func(){
		"resize-short": func() { p.ResizeShort = f.p.ResizeShort },
		"crop":         func() { p.Crop = f.p.Crop },
		"filter":       func() { p.Filter = dataset.Filter(f.filter) },
		"rounding":     func() { p.Rounding = dataset.Rounding(f.rounding) },
		"divide":       func() { p.Divide = f.p.Divide },
		"channels":     func() { p.Channels = f.p.Channels },
		"layout":       func() { p.Layout = f.p.Layout },
	} {
		if f.flags.Changed(name) {
			take()
		}
	}
	if err := f.triple("mean", f.mean, &p.Mean); err != nil {
		return p, err
	}
	if err := f.triple("std", f.std, &p.Std); err != nil {
		return p, err
	}
	return p, p.Validate()
}

func (f *preprocessing) base(path string) (dataset.Preset, error) {
	if f.file != "" {
		return dataset.LoadPreset(f.file)
	}
	p, _, err := dataset.PresetFor(path)
	return p, err
}

func (f *preprocessing) triple(name string, given []float64, to *dataset.Triple) error {
	if !f.flags.Changed(name) {
		return nil
	}
	if len(given) != len(to) {
		return usagef("--%s has %d numbers: want one for each of the %d channels, such as 0.5,0.5,0.5", name, len(given), len(to))
	}
	copy(to[:], given)
	return nil
}

// A pictures is the flags that say which pictures to read.
type pictures struct {
	preprocessing
	data, list string
	batch      int
	workers    int
	bad        string
}

func (f *pictures) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.data, "data", "", "folder of the pictures")
	flags.StringVar(&f.list, "list", "", "list `FILE` with a line \"PATH LABEL\" for each picture (default: val_list.txt of --data, or its sub-folders as classes)")
	flags.IntVar(&f.batch, "batch-size", 50, "pictures a batch")
	flags.IntVar(&f.workers, "workers", 0, "goroutines that decode pictures (default: one a CPU)")
	flags.StringVar(&f.bad, "bad-images", "fail", "what to do about unreadable pictures: fail or skip")
	f.preprocessing.register(flags)
}

// open reads the list. needLabels makes a list without labels an error.
func (f *pictures) open(needLabels bool) (*dataset.List, error) {
	if f.data == "" {
		return nil, usagef("--data is missing: the folder of the pictures")
	}
	return dataset.Open(f.data, f.list, dataset.ListOptions{NeedLabels: needLabels})
}

func (f *pictures) loader(list *dataset.List, p dataset.Preset) (*dataset.Loader, error) {
	if f.batch < 1 || f.workers < 0 {
		return nil, usagef("--batch-size is %d and --workers %d: want positive numbers", f.batch, f.workers)
	}
	bad, err := dataset.ParseBadImagePolicy(f.bad)
	if err != nil {
		return nil, usagef("--bad-images: %v", err)
	}
	return dataset.NewLoader(list, p, dataset.LoaderOptions{Batch: f.batch, Workers: f.workers, BadImages: bad})
}

// warnSkipped tells of pictures that --bad-images=skip left out.
func (a *app) warnSkipped(l *dataset.Loader) {
	if n, first := l.Skipped(); n > 0 {
		a.warn("%s skipped, the first: %v", plural(n, "picture"), first[0])
	}
}

func plural(n int, thing string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", thing)
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
