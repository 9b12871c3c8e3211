package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

type reportFlags struct {
	pictures
	out       string
	samples   int
	minTime   time.Duration
	overwrite bool
}

// reportSamples is how many pictures a report compares layers on: SQNR hardly
// moves with more.
const reportSamples = 16

// reportTime is how long each precision is timed.
const reportTime = 2 * time.Second

func reportCmd(a *app) *cobra.Command {
	var f reportFlags
	c := &cobra.Command{
		Use:   "report FP32 INT8 -o FILE --data DIR",
		Short: "one HTML file about an INT8 model, layer by layer",
		Long: `Report runs an FP32 model and its INT8 copy on a few pictures and writes one HTML
file, which needs no network: for each layer how far INT8 is from FP32, what is
clipped, what saturates without VNNI, what it costs in both precisions and which
kernels compute it; and, where the calibration table lies beside INT8, histograms
with the threshold of each algorithm. octet calibrate --report writes the same.`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error { return a.report(c.Context(), args[0], args[1], &f) },
	}
	flags := c.Flags()
	flags.StringVarP(&f.out, "output", "o", "", "`FILE` to write")
	flags.IntVar(&f.samples, "samples", reportSamples, "compare on N pictures, evenly spread over the list; 0 takes all")
	flags.DurationVar(&f.minTime, "min-time", reportTime, "time the layers of each precision for so long; 0 leaves times and kernels out")
	flags.BoolVar(&f.overwrite, "overwrite", false, "replace FILE, if there is one")
	f.register(flags)
	return c
}

func (a *app) report(ctx context.Context, fp32, int8 string, f *reportFlags) error {
	if f.samples < 0 || f.minTime < 0 {
		return usagef("--samples is %d and --min-time %v: want 0 or more", f.samples, f.minTime)
	}
	if err := checkReport(f.out, f.overwrite); err != nil {
		return err
	}
	s := reporting{name: fp32, copy: int8, minTime: f.minTime, samples: f.samples}
	real, err := model.Load(fp32)
	if err != nil {
		return err
	}
	copied, err := model.Load(int8)
	if err != nil {
		return err
	}
	if s.real, err = graph.Build(real); err != nil {
		return fmt.Errorf("%s: %w", fp32, err)
	}
	if s.copied, err = graph.Build(copied); err != nil {
		return fmt.Errorf("%s: %w", int8, err)
	}
	if quantised, _ := layersINT8(s.copied); quantised == 0 {
		return usagef("%s is FP32: want the INT8 copy of %s", int8, fp32)
	}
	if s.table, err = tableBeside(int8); err != nil {
		return err
	}
	if s.table != nil {
		if err := s.table.CheckModel(real); err != nil {
			return fmt.Errorf("%s: %w", int8, err)
		}
	}
	for i, m := range []*model.Model{real, copied} {
		s.how[i] = bench.Tuned(m, infer.Options{Logger: a.logger()})
	}
	if s.feeds, err = eval.FeedsOf(real.Program); err != nil {
		return fmt.Errorf("%s: %w", fp32, err)
	}
	if err := f.choose(&s, fp32); err != nil {
		return err
	}
	done, err := a.writeReport(ctx, &s, f.out, f.overwrite)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, done)
	return nil
}

// choose opens the pictures that a report compares on.
func (f *pictures) choose(s *reporting, path string) error {
	preset, err := f.preset(path)
	if err != nil {
		return err
	}
	if err := s.feeds.Check(preset); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	list, err := f.open(false)
	if err != nil {
		return err
	}
	if s.samples > 0 {
		list = list.Spread(s.samples)
	}
	s.loader, err = f.loader(list, preset)
	return err
}

// checkReport refuses an output that would fail in the end.
func checkReport(out string, overwrite bool) error {
	if out == "" {
		return usagef("--output is missing: the HTML file to write")
	}
	st, err := os.Lstat(out)
	switch {
	case err == nil && st.IsDir():
		return usagef("the report %s is a folder: want the name of a file", out)
	case err == nil && !overwrite:
		return fmt.Errorf("report %s: %w; choose another, or --overwrite", out, fs.ErrExist)
	}
	return writable(out)
}

// tableBeside reads the calibration table beside the INT8 model at path. There
// may be none.
func tableBeside(path string) (*calibrate.Table, error) {
	dir := path
	if st, err := os.Stat(path); err != nil || !st.IsDir() {
		dir = filepath.Dir(path)
	}
	file := filepath.Join(dir, calibrate.TableFile)
	t, err := loadTable(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}
