package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
	"github.com/octet-dnn/octet/report"
)

// A reporting is what a report is made of and how.
type reporting struct {
	name, copy   string // as the user calls the models
	real, copied *graph.Graph
	table        *calibrate.Table // or nil
	how          [2]infer.Options // for the times of both
	feeds        eval.Feeds
	loader       *dataset.Loader
	samples      int
	minTime      time.Duration
}

// writeReport measures, writes the report to the file out, and says in words what it is of.
func (a *app) writeReport(ctx context.Context, s *reporting, out string, overwrite bool) (done string, err error) {
	d := &report.Data{Model: filepath.Base(s.name), Table: s.table}
	if d.Layers, d.Images, err = a.compareLayers(ctx, s); err != nil {
		return "", err
	}
	if d.Pairs, err = calibrate.CheckPairs(s.copied); err != nil {
		return "", err
	}
	if inputs, err := s.real.InputShapes(1); err == nil {
		if d.Shapes, err = graph.InferShapes(s.real, inputs); err != nil {
			return "", err
		}
	}
	d.Facts = s.facts()
	if s.minTime > 0 {
		load, err := s.time(ctx, d)
		if err != nil {
			return "", err
		}
		d.Facts = append(d.Facts, report.Fact{Name: "Machine", Value: bench.ThisMachine().String()})
		if load >= 0 {
			d.Facts = append(d.Facts, report.Fact{Name: "Other load while timing", Value: fmt.Sprintf("%.2f CPUs", load)})
		}
	}
	var page bytes.Buffer
	if err := report.Write(&page, d); err != nil {
		return "", err
	}
	var opts []model.SaveOption
	if overwrite {
		opts = append(opts, model.WithOverwrite())
	}
	if err := model.SaveFile(out, page.Bytes(), opts...); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: %s compared on %s", out, plural(len(d.Layers), "layer"), plural(d.Images, "picture")), nil
}

// facts are what the figures depend on.
func (s *reporting) facts() []report.Fact {
	facts := []report.Fact{{Name: "FP32", Value: s.name}, {Name: "INT8", Value: s.copy}}
	if t := s.table; t != nil {
		how := fmt.Sprintf("%s on %s", t.Algorithm, plural(t.Samples, "picture"))
		if t.Compat != calibrate.None {
			how += ", compat " + string(t.Compat)
		}
		facts = append(facts, report.Fact{Name: "Calibrated by", Value: how})
	}
	return facts
}

// compareLayers runs both networks on the pictures.
func (a *app) compareLayers(ctx context.Context, s *reporting) (layers []calibrate.LayerDeviation, images int, err error) {
	c, err := calibrate.NewComparer(s.real, s.copied, infer.NewRunner)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	progress := a.meter("report", "pictures", s.loader.Len())
	defer progress.done()
	for b, err := range s.loader.Batches(ctx) {
		if err != nil {
			return nil, 0, err
		}
		in, err := s.feeds.Inputs(b.Images, b.Labels)
		if err != nil {
			return nil, 0, err
		}
		if err := c.Sample(ctx, in); err != nil {
			return nil, 0, fmt.Errorf("pictures from %s on: %w", b.Paths[0], err)
		}
		progress.add(b.Len())
		b.Release()
	}
	layers, images = c.Layers()
	return layers, images, nil
}

// time measures the layers of both networks, and the load of others meanwhile.
func (s *reporting) time(ctx context.Context, d *report.Data) (load float64, err error) {
	var nets [2]*infer.Predictor
	for i, g := range []*graph.Graph{s.real, s.copied} {
		if nets[i], err = infer.Compile(g, s.how[i]); err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, nets[i].Close()) }()
	}
	profiles, load, err := bench.ProfileBoth(ctx, nets[0], nets[1], s.minTime)
	if err != nil {
		return 0, err
	}
	d.FP32, d.INT8 = costs(profiles[0]), costs(profiles[1])
	return load, nil
}

// costs gives a report the times of a profile, for one picture.
func costs(p *infer.Profile) map[string]report.Cost {
	all := make(map[string]report.Cost)
	for _, l := range p.Layers {
		all[l.Layer] = report.Cost{Time: l.Time / time.Duration(p.Images), Kernel: l.Kernel, Problem: l.Problem}
	}
	return all
}
