package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

type benchFlags struct {
	models  []string
	batches []int
	minTime time.Duration
	json    bool
	layers  bool
	tune    bool
	sort    string
}

// seeded are the networks that bench builds itself.
var seeded = map[string]func(seed uint64) *model.Model{"resnet50": nets.ResNet50, "mobilenet_v1": nets.MobileNetV1}

func benchCmd(a *app) *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench [MODEL...]",
		Short: "throughput in FP32 and INT8",
		Long: `Bench measures images a second of FP32 models and of INT8 copies that it calibrates
on random pictures, the two in turns. Without a MODEL it takes ResNet-50 and
MobileNet-V1 with random weights.

With --layers it measures every layer on the one-thread streams that serve large
batches, and compares it with what a matmul reaches on the same CPUs meanwhile.

With --tune it first measures which way of cutting the work, and which of
oneDNN's kernels, are the fastest for each model on this machine, and keeps that
in the user's cache folder, for eval and run too.`,
		RunE: func(c *cobra.Command, args []string) error {
			return a.bench(c.Context(), args, c.Flags().Changed("models"), &f)
		},
	}
	flags := c.Flags()
	flags.StringSliceVar(&f.models, "models", []string{"resnet50", "mobilenet_v1"}, "networks with random weights")
	flags.IntSliceVar(&f.batches, "batch", []int{1, 64}, "batch sizes")
	flags.DurationVar(&f.minTime, "min-time", 3*time.Second, "time for each figure, at least")
	flags.BoolVar(&f.json, "json", false, "print one JSON object")
	flags.BoolVar(&f.layers, "layers", false, "measure layer by layer")
	flags.BoolVar(&f.tune, "tune", false, "first find the fastest way to run each model on this machine")
	a.registerPin(flags)
	flags.StringVar(&f.sort, "sort", "order", "of the layers: order (of execution), time, lost (beyond matmul speed)")
	return c
}

func (a *app) bench(ctx context.Context, paths []string, namesGiven bool, f *benchFlags) error {
	if len(f.batches) == 0 || slices.Min(f.batches) < 1 || slices.Max(f.batches) > 1<<16 {
		return usagef("--batch is %v: want sizes from 1 to %d", f.batches, 1<<16)
	}
	if f.minTime <= 0 {
		return usagef("--min-time is %v: want a positive time", f.minTime)
	}
	if !slices.Contains([]string{"order", "time", "lost"}, f.sort) {
		return usagef("--sort is %q: want order, time or lost", f.sort)
	}
	models := make(map[string]func() (*model.Model, error))
	var order []string
	if len(paths) == 0 || namesGiven {
		for _, name := range f.models {
			build, ok := seeded[name]
			if !ok {
				return usagef("--models: %q is unknown: want resnet50 or mobilenet_v1; a model of your own is an argument", name)
			}
			models[name] = func() (*model.Model, error) { return build(1), nil }
			order = append(order, name)
		}
	}
	for _, path := range paths {
		models[path] = func() (*model.Model, error) { return model.Load(path) }
		order = append(order, path)
	}
	if f.tune {
		if err := a.tune(ctx, order, models); err != nil {
			return err
		}
	}
	if f.layers {
		return a.layers(ctx, order, models, f)
	}
	var rows []bench.Row
	for _, name := range order {
		m, err := models[name]()
		if err != nil {
			return err
		}
		r, err := a.throughput(ctx, name, m, f.batches, bench.Options{MinTime: f.minTime})
		if err != nil {
			return err
		}
		rows = append(rows, r...)
	}
	if f.json {
		return a.out.json(struct {
			Machine bench.Machine `json:"machine"`
			Pin     []int         `json:"pin,omitempty"`
			Rows    []bench.Row   `json:"rows"`
		}{bench.ThisMachine(), a.pin, rows})
	}
	return a.writeThroughput(rows)
}

// throughput measures one model at several batch sizes.
func (a *app) throughput(ctx context.Context, name string, m *model.Model, batches []int, o bench.Options) (rows []bench.Row, err error) {
	p, err := bench.NewPair(ctx, name, m, infer.Options{Logger: a.logger(), Pin: a.pin})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	for _, n := range batches {
		var progress meter
		o.Progress = func(done, all int) {
			if progress == nil {
				progress = a.meter(fmt.Sprintf("%s, batch %d", name, n), "windows", all)
			}
			progress.add(1)
			if done == all {
				progress.done()
			}
		}
		row, err := bench.Measure(ctx, p, n, o)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// writeMachine writes what the figures depend on.
func (a *app) writeMachine(m bench.Machine) {
	fmt.Fprintln(a.out, m)
	if len(a.pin) > 0 {
		fmt.Fprintln(a.out, "pinned to CPUs", strings.Trim(fmt.Sprint(a.pin), "[]"))
	}
}

func (a *app) writeThroughput(rows []bench.Row) error {
	machine := bench.ThisMachine()
	a.writeMachine(machine)
	if err := bench.WriteTable(a.out, rows); err != nil {
		return err
	}
	if err := bench.WriteMemory(a.out, rows); err != nil {
		return err
	}
	most := slices.MaxFunc(rows, func(x, y bench.Row) int { return cmp.Compare(x.OtherLoad, y.OtherLoad) })
	if most.OtherLoad > 0.1*float64(machine.CPUs) {
		fmt.Fprintf(a.out, "Other processes kept up to %.2f CPUs busy meanwhile: the figures are too low.\n", most.OtherLoad)
	}
	return nil
}
