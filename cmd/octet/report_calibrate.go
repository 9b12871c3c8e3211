package main

import (
	"context"
	"fmt"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

// reportingSaver returns a saver that saves as save does, and then writes the
// report of calibrate --report about the INT8 graph in memory, so that any
// format has one. It compares on some of the calibration's pictures.
func (a *app) reportingSaver(ctx context.Context, save saver, path string, m *model.Model, f *calibrateFlags) (saver, error) {
	if sameModel(f.out, f.report) || f.out == f.report {
		return nil, usagef("the report %s would replace the INT8 model", f.report)
	}
	if err := checkReport(f.report, f.overwrite); err != nil {
		return nil, err
	}
	s := &reporting{name: path, copy: f.out, samples: reportSamples, minTime: reportTime}
	if f.samples > 0 {
		s.samples = min(f.samples, reportSamples)
	}
	var err error
	if s.feeds, err = eval.FeedsOf(m.Program); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := f.choose(s, path); err != nil {
		return nil, err
	}
	return func(g *graph.Graph, t *calibrate.Table, out string, opts ...model.SaveOption) error {
		if err := save(g, t, out, opts...); err != nil {
			return err
		}
		if s.real, err = graph.Build(m); err != nil {
			return err
		}
		s.copied, s.table = g, t
		o := infer.Options{Logger: a.logger()}
		s.how = [2]infer.Options{bench.Tuned(m, o), o}
		done, err := a.writeReport(ctx, s, f.report, f.overwrite)
		if err == nil {
			fmt.Fprintln(a.err, done)
		}
		return err
	}, nil
}
