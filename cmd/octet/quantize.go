package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/model"
)

type quantizeFlags struct {
	pictures
	placement
	table  string
	algo   string
	refine bool
	json   bool
}

func quantizeCmd(a *app) *cobra.Command {
	var f quantizeFlags
	c := &cobra.Command{
		Use:   "quantize MODEL --table TABLE -o OUT",
		Short: "make an INT8 model from an FP32 one and a calibration table",
		Long: `Quantize makes the INT8 model that octet calibrate made when it wrote the table, or
with --algo the one that it would have made with another algorithm. It runs nothing,
and so does not refine the weights: the result is that of calibrate --refine=false.

With --data (and --list, and the flags of the preprocessing) it reads the pictures
of the table once more, all of them and no others, and refines as calibrate does;
--algo auto needs them too.

The preset beside the table, if there is one, or beside the model is saved beside
the INT8 model.`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return a.quantizeByTable(c.Context(), args[0], &f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.table, "table", "", "the calibration table, `FILE` or the folder of the INT8 model beside which it is")
	flags.StringVar(&f.algo, "algo", "", "choose thresholds by this algorithm instead of the table's: "+algorithmNames)
	flags.BoolVar(&f.refine, "refine", true, "with --data: choose rounding and biases so that layers give what FP32 gives")
	flags.BoolVar(&f.json, "json", false, "print one JSON object")
	f.placement.register(flags)
	f.pictures.register(flags)
	return c
}

func (a *app) quantizeByTable(ctx context.Context, path string, f *quantizeFlags) error {
	o, err := f.placement.options(a)
	if err != nil {
		return err
	}
	if f.table == "" {
		return usagef("--table is missing: the calibration table, %s beside an INT8 model", calibrate.TableFile)
	}
	if err := checkOutput(path, f.out, f.overwrite); err != nil {
		return err
	}
	t, err := loadTable(f.table)
	if err != nil {
		return fmt.Errorf("%s: %w", f.table, err)
	}
	m, err := model.Load(path)
	if err != nil {
		return err
	}
	if err := t.CheckModel(m); err != nil {
		return fmt.Errorf("%s: %w", f.table, err)
	}
	preset, err := f.presetOf(path)
	if err != nil {
		return err
	}
	if f.algo == "" {
		o.Compat = t.Compat
	}
	if err := f.readPixels(&o, f.data != "" && f.refine, m, preset); err != nil {
		return err
	}
	f.warnForm(a)
	q := quantization{what: "quantize", model: m, preset: preset, o: o, out: f.out, save: saverOf(f.format), opts: f.saveOptions()}
	var done *calibrated
	if f.data == "" {
		done, err = f.apply(q, t)
	} else {
		done, err = a.requantize(ctx, f, q, t)
	}
	if err != nil {
		return err
	}
	if f.json {
		return a.out.json(done)
	}
	done.write(a)
	return nil
}

// presetOf returns the preset beside the table, or beside the model at path, as
// flags change it.
func (f *quantizeFlags) presetOf(path string) (dataset.Preset, error) {
	beside := filepath.Dir(tablePath(f.table))
	if _, err := os.Stat(filepath.Join(beside, dataset.PresetFile)); err == nil {
		path = beside
	}
	return f.preset(path)
}

// apply makes and saves the INT8 model without running anything.
func (f *quantizeFlags) apply(q quantization, t *calibrate.Table) (*calibrated, error) {
	var err error
	if f.algo != "" {
		if t, err = t.Rethreshold(calibrate.Algorithm(f.algo)); err != nil {
			return nil, fmt.Errorf("%s: %w", f.table, err)
		}
	}
	g, err := calibrate.Apply(q.model, t, q.o)
	if err != nil {
		return nil, err
	}
	return q.write(g, t)
}

// requantize calibrates again from the table and its pictures.
func (a *app) requantize(ctx context.Context, f *quantizeFlags, q quantization, t *calibrate.Table) (done *calibrated, err error) {
	q.o.Algorithm, q.o.Compat = t.Algorithm, t.Compat
	if f.algo != "" {
		q.o.Algorithm, q.o.Compat = calibrate.Algorithm(f.algo), calibrate.None
	}
	q.o.Refine = f.refine && q.o.Compat == calibrate.None
	list, err := f.pictures.open(false)
	if err != nil {
		return nil, err
	}
	if q.loader, err = f.loader(list, q.preset); err != nil {
		return nil, err
	}
	q.table, q.tableFile = t, f.table
	return a.quantize(ctx, q)
}
