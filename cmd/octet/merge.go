package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/model"
)

type mergeFlags struct {
	out       string
	algo      string
	overwrite bool
}

func mergeCmd(a *app) *cobra.Command {
	var f mergeFlags
	c := &cobra.Command{
		Use:   "merge TABLE... -o OUT",
		Short: "join calibration tables of parts of the pictures",
		Long: `Merge joins the tables that calibrations of one model on different pictures have
left (` + calibrate.TableFile + ` beside each INT8 model; the model's folder will do). The result is, to the
byte, the table of one calibration on all those pictures. octet quantize makes
the INT8 model from it.`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error { return a.merge(args, &f) },
	}
	flags := c.Flags()
	flags.StringVarP(&f.out, "output", "o", "", "where to save the table")
	flags.StringVar(&f.algo, "algo", "", "choose thresholds by this algorithm instead of the tables': "+algorithmNames)
	flags.BoolVar(&f.overwrite, "overwrite", false, "replace OUT, if it is there")
	return c
}

func (a *app) merge(names []string, f *mergeFlags) error {
	if f.out == "" {
		return usagef("--output is missing: where to save the table")
	}
	var sum *calibrate.Table
	for _, name := range names {
		t, err := loadTable(name)
		if err == nil && f.algo != "" {
			t, err = t.Rethreshold(calibrate.Algorithm(f.algo))
		}
		if err == nil && sum != nil {
			err = sum.Merge(t)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if sum == nil {
			sum = t
		}
	}
	var text bytes.Buffer
	if _, err := sum.WriteTo(&text); err != nil {
		return err
	}
	var opts []model.SaveOption
	if f.overwrite {
		opts = append(opts, model.WithOverwrite())
	}
	if err := model.SaveFile(f.out, text.Bytes(), opts...); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s: %s of %s\n", f.out, plural(len(names), "table"), plural(sum.Samples, "picture"))
	for _, d := range sum.Doubts() {
		a.warn("doubtful: %s", d)
	}
	return nil
}

// tablePath returns the file of a table, which may be named by the folder of its model.
func tablePath(name string) string {
	if st, err := os.Stat(name); err == nil && st.IsDir() {
		return filepath.Join(name, calibrate.TableFile)
	}
	return name
}

func loadTable(name string) (t *calibrate.Table, err error) {
	f, err := os.Open(tablePath(name))
	if err != nil {
		return nil, err
	}
	t, err = calibrate.ParseTable(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return t, err
}
