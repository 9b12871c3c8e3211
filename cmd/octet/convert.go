package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/graph"
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
	formatONNX:                  convertToONNX,
}

func saveAs(f model.Form) converter {
	return func(m *model.Model, out string, opts ...model.SaveOption) error {
		return model.Save(m, out, append(opts, model.WithForm(f))...)
	}
}

type convertFlags struct {
	to        string
	format    string
	overwrite bool
}

func convertCmd(a *app) *cobra.Command {
	var f convertFlags
	names := strings.Join(slices.Sorted(maps.Keys(converters)), ", ")
	c := &cobra.Command{
		Use:   "convert MODEL OUT --to ENCODING",
		Short: "write a model in the files of another generation of Paddle, or as ONNX",
		Long: `Convert writes the same network in another encoding:

  fluid           OUT/__model__ and OUT/__params__, as Paddle 1.x reads
  fluid-separate  OUT/__model__ and one file a parameter, as Paddle 1.x reads
  pdmodel         OUT.pdmodel and OUT.pdiparams, as Paddle 2.x reads
  pir             OUT.json and OUT.pdiparams, as Paddle 3.x reads
  onnx            OUT, which ends in .onnx, as ONNX Runtime reads: INT8 as QDQ

The operators stay what they are between the first three: a network that
Paddle 2 exported may have some that Paddle 1 does not know. To and from pir
they are translated; what has no counterpart is refused, and named.

With --format the network is written anew, in the fused layers that Octet runs:
the way to turn an INT8 model from one form into another. --format onnx needs
no --to.`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(_ *cobra.Command, args []string) error { return a.convert(args[0], args[1], &f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.to, "to", "", "the encoding: "+names)
	flags.StringVar(&f.format, "format", "", "write the program anew in this form: fused or qdq (Paddle 2.6 and later), v13 (Paddle 1.3), or onnx")
	flags.BoolVar(&f.overwrite, "overwrite", false, "replace the model at OUT, if there is one")
	return c
}

func (a *app) convert(in, out string, f *convertFlags) error {
	if f.format == formatONNX && f.to == "" {
		f.to = formatONNX
	}
	form, known := int8Forms[f.format]
	if !known && f.format != "" && f.format != formatONNX {
		return usagef("--format is %q: want one of %s, %s", f.format, strings.Join(slices.Sorted(maps.Keys(int8Forms)), ", "), formatONNX)
	}
	if (f.format != "") && (f.format == formatONNX) != (f.to == formatONNX) {
		return usagef("--format %s and --to %s contradict each other", f.format, f.to)
	}
	write := converters[f.to]
	if write == nil {
		return usagef("--to is %q: want one of %s", f.to, strings.Join(slices.Sorted(maps.Keys(converters)), ", "))
	}
	if err := checkONNXName(f.to, out); err != nil {
		return err
	}
	if sameModel(in, out) {
		return usagef("the output %s is the input: the model would be lost", out)
	}
	m, err := model.Load(in)
	if err != nil {
		return err
	}
	if known {
		if m, err = respell(m, form); err != nil {
			return err
		}
		if form == graph.FormV13 {
			a.warn("%s", v13Warning)
		}
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

// respell writes the network of m anew in a form.
func respell(m *model.Model, form graph.Form) (*model.Model, error) {
	g, err := graph.Build(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	return graph.ToModel(g, form)
}
