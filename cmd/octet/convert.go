package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/model"
)

// A converter writes a model in another encoding.
type converter func(m *model.Model, out string, opts ...model.SaveOption) error

// converters are what --to offers.
var converters = map[string]converter{
	model.FormCombined.String(): saveAs(model.FormCombined),
	model.FormSeparate.String(): saveAs(model.FormSeparate),
	model.FormPdModel.String():  saveAs(model.FormPdModel),
	model.FormPIR.String():      saveAs(model.FormPIR),
}

func saveAs(f model.Form) converter {
	return func(m *model.Model, out string, opts ...model.SaveOption) error {
		return model.Save(m, out, append(opts, model.WithForm(f))...)
	}
}

type convertFlags struct {
	to        string
	overwrite bool
}

func convertCmd(a *app) *cobra.Command {
	var f convertFlags
	names := strings.Join(slices.Sorted(maps.Keys(converters)), ", ")
	c := &cobra.Command{
		Use:   "convert MODEL OUT --to ENCODING",
		Short: "write a model in the files of another generation of Paddle",
		Long: `Convert writes the same network in another encoding:

  fluid           OUT/__model__ and OUT/__params__, as Paddle 1.x reads
  fluid-separate  OUT/__model__ and one file a parameter, as Paddle 1.x reads
  pdmodel         OUT.pdmodel and OUT.pdiparams, as Paddle 2.x reads
  pir             OUT.json and OUT.pdiparams, as Paddle 3.x reads

The operators stay what they are between the first three: a network that
Paddle 2 exported may have some that Paddle 1 does not know. To and from pir
they are translated; what has no counterpart is refused, and named.`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(_ *cobra.Command, args []string) error { return a.convert(args[0], args[1], &f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.to, "to", "", "the encoding: "+names)
	flags.BoolVar(&f.overwrite, "overwrite", false, "replace the model at OUT, if there is one")
	return c
}

func (a *app) convert(in, out string, f *convertFlags) error {
	write := converters[f.to]
	if write == nil {
		return usagef("--to is %q: want one of %s", f.to, strings.Join(slices.Sorted(maps.Keys(converters)), ", "))
	}
	if sameModel(in, out) {
		return usagef("the output %s is the input: the model would be lost", out)
	}
	m, err := model.Load(in)
	if err != nil {
		return err
	}
	var opts []model.SaveOption
	if f.overwrite {
		opts = append(opts, model.WithOverwrite())
	}
	if err := write(m, out, opts...); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s: %s, %d operators, %d parameters\n", out, f.to, len(m.Program.Blocks[0].Ops), len(m.Params))
	return nil
}
