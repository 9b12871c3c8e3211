package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

type demoFlags struct {
	dir, keep    string
	noThroughput bool
}

// demoVariable names the folder of the demo where it is not found otherwise.
const demoVariable = "OCTET_DEMO"

// demoDrop is how many points of top-1 INT8 may lose on the demo's pictures. Careful
// INT8 stays within one point, which is chance with so few pictures; one scale
// for a whole weight tensor costs 20 and more (testdata/demo/README.md).
const demoDrop = 2.0

// demoBatches are the batch sizes of the throughput table: one, and one large
// enough to keep every stream busy.
var demoBatches = []int{1, 32}

func demoCmd(a *app) *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "calibrate and evaluate the models that ship with Octet",
		Long: `Demo calibrates two small models by max and by KL, saves and loads the INT8 models,
evaluates them, and prints two tables: their accuracy, and the throughput of
ResNet-50 and MobileNet-V1 with random weights. It takes a minute or two, and fails where
INT8 loses more than ` + fmt.Sprint(demoDrop) + ` points.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return a.demo(c.Context(), &f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.dir, "dir", "", "folder of the models and pictures (default: $"+demoVariable+", else testdata/demo)")
	flags.StringVar(&f.keep, "keep", "", "keep the INT8 models in this `DIR`, which must not hold any")
	flags.BoolVar(&f.noThroughput, "no-throughput", false, "leave the throughput out")
	return c
}

func (a *app) demo(ctx context.Context, f *demoFlags) (err error) {
	start := time.Now()
	dir, err := demoDir(f.dir)
	if err != nil {
		return err
	}
	out := f.keep
	if out == "" {
		if out, err = os.MkdirTemp("", "octet-demo-"); err != nil {
			return environmentError{fmt.Errorf("a folder for the INT8 models: %w; --keep names another", err)}
		}
		defer func() { err = errors.Join(err, os.RemoveAll(out)) }()
	}
	var accuracy []eval.Row
	for _, net := range []string{"resnet", "mobilenet"} {
		for _, algo := range []calibrate.Algorithm{calibrate.Max, calibrate.KL} {
			row, err := a.demoModel(ctx, dir, out, net, algo)
			if err != nil {
				return err
			}
			accuracy = append(accuracy, row)
		}
	}
	fmt.Fprintln(a.out, "Accuracy of the demo models, calibrated by Octet:")
	if err := eval.WriteTable(a.out, accuracy); err != nil {
		return err
	}
	if !f.noThroughput {
		if err := a.demoThroughput(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.err, "demo: %v\n", time.Since(start).Round(time.Second))
	return checkDemo(accuracy)
}

// demoModel takes one model through calibration, saving, loading and evaluation.
func (a *app) demoModel(ctx context.Context, dir, out, net string, algo calibrate.Algorithm) (eval.Row, error) {
	row := eval.Row{Name: fmt.Sprintf("%s, %s", net, algo)}
	f := evalFlags{fp32: filepath.Join(dir, net), int8: filepath.Join(out, fmt.Sprintf("%s-int8-%s", net, strings.ToLower(string(algo))))}
	f.register(pflag.NewFlagSet("demo", pflag.ContinueOnError)) // for the defaults
	f.data, f.list = filepath.Join(dir, "data"), "train_list.txt"
	if err := checkOutput(f.fp32, f.int8, false); err != nil {
		return row, err
	}
	m, err := model.Load(f.fp32)
	if err != nil {
		return row, err
	}
	presets, err := f.presets()
	if err != nil {
		return row, err
	}
	train, err := f.open(true)
	if err != nil {
		return row, err
	}
	loader, err := f.loader(train, presets[0])
	if err != nil {
		return row, err
	}
	o := calibrate.Options{Algorithm: algo, Runner: infer.NewRunner, Logger: a.logger()}
	done, err := a.quantize(ctx, quantization{what: "calibrate " + row.Name, model: m, loader: loader, preset: presets[0], o: o,
		out: f.int8, save: saverOf(graph.FormFused.String())})
	if err != nil {
		return row, err
	}
	fmt.Fprintf(a.err, "saved %s: %s\n", f.int8, done)

	f.list = "val_list.txt"
	val, err := f.open(true)
	if err != nil {
		return row, err
	}
	row.Result, err = a.evaluate(ctx, val, &f)
	return row, err
}

func (a *app) demoThroughput(ctx context.Context) error {
	var rows []bench.Row
	for _, name := range []string{"resnet50", "mobilenet_v1"} {
		r, err := a.throughput(ctx, name, seeded[name](1), demoBatches, bench.Options{MinTime: 2 * time.Second, Windows: 3})
		if err != nil {
			return err
		}
		rows = append(rows, r...)
	}
	fmt.Fprint(a.out, "\nThroughput with random weights: ")
	return a.writeThroughput(rows)
}

// checkDemo fails if INT8 lost too much.
func checkDemo(rows []eval.Row) error {
	for _, r := range rows {
		if drop := r.FP32.Top1 - r.INT8.Top1; drop > demoDrop {
			return fmt.Errorf("demo: %s loses %.2f points of top-1, at most %.1f are expected", r.Name, drop, demoDrop)
		}
	}
	return nil
}

// demoDir finds the folder of the demo: as given, as in the environment, in or
// above the working directory (a clone), or where packages install it.
func demoDir(given string) (string, error) {
	if given == "" {
		given = os.Getenv(demoVariable)
	}
	if given != "" {
		if !isDemo(given) {
			return "", fmt.Errorf("demo folder %s: no data/val_list.txt in it: %w", given, fs.ErrNotExist)
		}
		return given, nil
	}
	for _, dir := range demoPlaces() {
		if isDemo(dir) {
			return dir, nil
		}
	}
	return "", usagef("the demo's folder, testdata/demo of Octet's source, is not here; name it by --dir or %s", demoVariable)
}

func demoPlaces() (places []string) {
	if dir, err := os.Getwd(); err == nil {
		for ; ; dir = filepath.Dir(dir) {
			places = append(places, filepath.Join(dir, "testdata", "demo"))
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	if exe, err := os.Executable(); err == nil {
		places = append(places, filepath.Join(filepath.Dir(exe), "..", "share", "octet", "demo"), filepath.Join(filepath.Dir(exe), "testdata", "demo"))
	}
	return append(places, "/usr/share/octet/demo")
}

func isDemo(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "data", "val_list.txt"))
	return err == nil
}
