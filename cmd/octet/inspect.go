package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

type inspectFlags struct {
	ops, kernels, json bool
	batch              int
}

func inspectCmd(a *app) *cobra.Command {
	var f inspectFlags
	c := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "program, layers, scales and kernels of a model",
		Args:  args(cobra.ExactArgs(1)),
		RunE:  func(_ *cobra.Command, args []string) error { return a.inspect(args[0], &f) },
	}
	flags := c.Flags()
	flags.BoolVar(&f.ops, "ops", false, "print the operators of the program as they are stored")
	flags.BoolVar(&f.kernels, "kernels", false, "print what oneDNN runs for each layer; slow references are marked")
	flags.IntVar(&f.batch, "batch", 1, "batch size for --kernels")
	flags.BoolVar(&f.json, "json", false, "print one JSON object")
	return c
}

func (a *app) inspect(path string, f *inspectFlags) error {
	if f.batch < 1 {
		return usagef("--batch is %d: want 1 or more", f.batch)
	}
	m, err := model.Load(path)
	if err != nil {
		return err
	}
	d := describe(path, m)
	if !f.json {
		a.writeProgram(d)
		if f.ops {
			a.writeOps(m.Program)
			return nil
		}
	}
	g, err := graph.Build(m)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := d.addLayers(g); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if f.kernels {
		if d.Kernels, err = a.kernels(g, f.batch); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	switch {
	case f.json:
		return a.out.json(d)
	case f.kernels:
		a.writeKernels(d.Kernels)
		return nil
	}
	fmt.Fprintln(a.out)
	return g.Dump(a.out)
}

func (a *app) kernels(g *graph.Graph, batch int) (k []infer.Kernel, err error) {
	p, err := infer.Compile(g, infer.Options{Logger: a.logger()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	in, err := bench.Inputs(p.Inputs(), batch)
	if err != nil {
		return nil, err
	}
	return p.Kernels(in)
}

// A description is what inspect tells of a model.
type description struct {
	Model string `json:"model"`
	// Encoding is what the content of the files is, in the words of --to of
	// convert; Era the Paddle that it belongs to. Version is the number in a
	// ProgramDesc, PIRVersion that in a PIR program.
	Encoding   string         `json:"encoding"`
	Era        string         `json:"era"`
	Version    int64          `json:"version"`
	PIRVersion int64          `json:"pir_version,omitempty"`
	Feeds      []tensorInfo   `json:"feeds"`
	Fetches    []string       `json:"fetches"`
	Ops        map[string]int `json:"ops"`
	Parameters struct {
		Tensors int `json:"tensors"`
		Bytes   int `json:"bytes"`
	} `json:"parameters"`
	// MACs are the multiplications with weights for one picture; absent where the
	// model leaves more than the batch open.
	MACs    int64          `json:"macs,omitempty"`
	Layers  []layerInfo    `json:"layers,omitempty"`
	Kernels []infer.Kernel `json:"kernels,omitempty"`
	files   string
}

type tensorInfo struct {
	Name  string  `json:"name"`
	DType string  `json:"dtype"`
	Dims  []int64 `json:"dims"`
}

// A layerInfo is a layer after fusion, for one picture.
type layerInfo struct {
	Name  string      `json:"name"`
	Kind  string      `json:"kind"`
	DType string      `json:"dtype"`
	Shape graph.Shape `json:"shape,omitempty"`
	MACs  int64       `json:"macs,omitempty"`
	INT8  bool        `json:"int8,omitempty"`
	// The scales of an INT8 layer, by which reals are multiplied.
	ScaleIn       float32 `json:"scale_in,omitempty"`
	ScaleResidual float32 `json:"scale_residual,omitempty"`
	ScaleOut      float32 `json:"scale_out,omitempty"`
}

func describe(path string, m *model.Model) *description {
	d := &description{
		Model: path, Encoding: m.Source.Form.String(), Era: m.Era(), Version: m.Program.Version, PIRVersion: m.Source.PIRVersion,
		Fetches: m.Program.Fetches(), Ops: map[string]int{}, files: m.Source.Form.Files(),
	}
	for _, name := range m.Program.Feeds() {
		info := tensorInfo{Name: name}
		if v := m.Program.Blocks[0].Var(name); v != nil {
			info.DType, info.Dims = v.DType.String(), v.Dims
		}
		d.Feeds = append(d.Feeds, info)
	}
	for _, b := range m.Program.Blocks {
		for _, o := range b.Ops {
			d.Ops[o.Type]++
		}
	}
	d.Parameters.Tensors = len(m.Params)
	for _, t := range m.Params {
		d.Parameters.Bytes += t.Size()
	}
	return d
}

func (d *description) addLayers(g *graph.Graph) error {
	var shapes map[*graph.Value]graph.Shape
	if inputs, err := g.InputShapes(1); err == nil {
		if shapes, err = graph.InferShapes(g, inputs); err != nil {
			return err
		}
	}
	for _, l := range g.Layers {
		info := layerInfo{Name: l.Name, Kind: l.Op.Kind(), DType: l.Out[0].DType.String()}
		if shapes != nil {
			info.Shape, info.MACs = shapes[l.Out[0]], graph.LayerMACs(l, shapes)
			d.MACs += info.MACs
		}
		if q := int8Of(l.Op); q != nil {
			info.INT8, info.ScaleIn, info.ScaleResidual = true, q.ScaleIn, q.ScaleInEltwise
			if !q.ForceFP32 {
				info.ScaleOut = q.ScaleOut
			}
		}
		d.Layers = append(d.Layers, info)
	}
	return nil
}

// int8Of returns the quantisation of a layer, nil where it has none.
func int8Of(op graph.Op) *graph.Int8 {
	switch op := op.(type) {
	case *graph.Conv:
		return op.Int8
	case *graph.FC:
		return op.Int8
	}
	return nil
}

func (a *app) writeProgram(d *description) {
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "model\t%s\n", d.Model)
	fmt.Fprintf(t, "encoding\t%s (%s)\n", d.Encoding, d.files)
	fmt.Fprintf(t, "era\t%s\n", d.Era)
	fmt.Fprintf(t, "version\t%d\n", max(d.Version, d.PIRVersion))
	for _, v := range d.Feeds {
		fmt.Fprintf(t, "feed\t%s %s %v\n", v.Name, v.DType, v.Dims)
	}
	fmt.Fprintf(t, "fetches\t%s\n", strings.Join(d.Fetches, ", "))
	fmt.Fprintf(t, "parameters\t%d tensors, %d bytes\n", d.Parameters.Tensors, d.Parameters.Bytes)
	byCount := slices.SortedFunc(maps.Keys(d.Ops), func(x, y string) int {
		return cmp.Or(cmp.Compare(d.Ops[y], d.Ops[x]), cmp.Compare(x, y))
	})
	var counts []string
	for _, typ := range byCount {
		counts = append(counts, fmt.Sprintf("%s %d", typ, d.Ops[typ]))
	}
	fmt.Fprintf(t, "operators\t%s\n", strings.Join(counts, ", "))
	_ = t.Flush() // an output keeps its own error
}

func (a *app) writeOps(p *model.Program) {
	for _, b := range p.Blocks {
		fmt.Fprintf(a.out, "\nblock %d\n", b.Index)
		for i, o := range b.Ops {
			fmt.Fprintf(a.out, "%4d  %s(%s) -> %s", i, o.Type, slotText(o.Inputs), slotText(o.Outputs))
			for _, attr := range o.Attrs {
				if attr.Name != "op_callstack" { // pages of Python traces
					fmt.Fprintf(a.out, " %s=%v", attr.Name, attr.Value)
				}
			}
			fmt.Fprintln(a.out)
		}
	}
}

func slotText(slots []model.Slot) string {
	var parts []string
	for _, s := range slots {
		if len(s.Args) > 0 {
			parts = append(parts, s.Name+"="+strings.Join(s.Args, ","))
		}
	}
	return strings.Join(parts, " ")
}

func (a *app) writeKernels(kernels []infer.Kernel) {
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	references := 0
	fmt.Fprint(t, "\nlayer\tkind\timplementation\t\n")
	for _, k := range kernels {
		mark := ""
		if k.Reference {
			references++
			mark = "SLOW REFERENCE"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", k.Layer, k.Kind, k.Impl, mark)
	}
	_ = t.Flush() // an output keeps its own error
	fmt.Fprintf(a.out, "%d steps, %d of them slow references\n", len(kernels), references)
}
