package main

import (
	"context"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/model"
)

// tune measures each model in FP32 and INT8 and keeps what was fastest.
func (a *app) tune(ctx context.Context, order []string, models map[string]func() (*model.Model, error)) error {
	for _, name := range order {
		m, err := models[name]()
		if err != nil {
			return err
		}
		q, err := bench.Quantize(ctx, m)
		if err != nil {
			return err
		}
		for i, m := range []*model.Model{m, q} {
			label := name + [...]string{" in FP32", " in INT8"}[i]
			var progress meter
			t, err := bench.Tune(ctx, m, bench.TuneOptions{Progress: func(done, all int) {
				if progress == nil {
					progress = a.meter("tune "+label, "ways", all)
				}
				progress.add(1)
				if done == all {
					progress.done()
				}
			}})
			if err != nil {
				return err
			}
			path, err := bench.Keep(m, t)
			if err != nil {
				return err
			}
			a.warn("%s: micro-batches of %d, %d KiB in one go, %d kernels looked at; kept in %s",
				label, t.MicroBatch, t.CacheBytes>>10, t.Kernels.Len(), path)
		}
	}
	return nil
}
