package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// layers profiles models layer by layer, in both precisions.
func (a *app) layers(ctx context.Context, order []string, models map[string]func() (*model.Model, error), f *benchFlags) error {
	var all []bench.Layers
	for _, name := range order {
		m, err := models[name]()
		if err != nil {
			return err
		}
		l, err := a.modelLayers(ctx, name, m, f)
		if err != nil {
			return err
		}
		all = append(all, l...)
	}
	if f.json {
		return a.out.json(struct {
			Machine  bench.Machine  `json:"machine"`
			Pin      []int          `json:"pin,omitempty"`
			Profiles []bench.Layers `json:"profiles"`
		}{bench.ThisMachine(), a.pin, all})
	}
	a.writeMachine(bench.ThisMachine())
	for _, l := range all {
		fmt.Fprintln(a.out)
		if err := l.Write(a.out); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) modelLayers(ctx context.Context, name string, m *model.Model, f *benchFlags) (all []bench.Layers, err error) {
	p, err := bench.NewPair(ctx, name, m, infer.Options{Logger: a.logger(), Pin: a.pin})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	for _, n := range f.batches {
		for _, int8 := range []bool{false, true} {
			l, err := bench.ProfileLayers(ctx, p, int8, n, f.minTime)
			if err != nil {
				return nil, err
			}
			switch f.sort {
			case "time":
				l.SortByTime()
			case "lost":
				l.SortByLost()
			}
			all = append(all, l)
		}
	}
	return all, nil
}
