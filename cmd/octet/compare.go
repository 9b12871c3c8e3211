package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/internal/integers"
	"github.com/octet-dnn/octet/model"
)

// maxISA is the variable by which oneDNN is held to an instruction set. It is
// read once a process.
const maxISA = "ONEDNN_MAX_CPU_ISA"

type compareFlags struct {
	pictures
	isa     []string
	samples int
	record  string
	json    bool
}

func compareCmd(a *app) *cobra.Command {
	var f compareFlags
	c := &cobra.Command{
		Use:   "compare MODEL --isa A,B --data DIR",
		Short: "INT8 results of two instruction sets, byte by byte",
		Long: `Compare runs an INT8 model twice, with oneDNN held to one instruction set and to
another, and compares every INT8 tensor that the layers compute, byte by byte. It
also says for how many output channels the weights prove that CPUs without VNNI,
which add pairs of products in 16 bits, give the same whatever the picture:
calibrate --protect makes that all of them.`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return a.compare(c.Context(), args[0], &f) },
	}
	flags := c.Flags()
	flags.StringSliceVar(&f.isa, "isa", []string{"AVX512_CORE", "AVX512_CORE_VNNI"}, "two values of "+maxISA)
	flags.IntVar(&f.samples, "samples", 8, "take N pictures, evenly spread over the list; 0 takes all")
	flags.BoolVar(&f.json, "json", false, "print one JSON object")
	flags.StringVar(&f.record, "record", "", "only write the INT8 tensors to `FILE`, with the instruction set of this process")
	f.register(flags)
	return c
}

// A comparison is the result of compare.
type comparison struct {
	ISA     []string              `json:"isa"`
	Proofs  []calibrate.PairCheck `json:"proofs"`
	Tensors []integers.Difference `json:"tensors"`
}

func (a *app) compare(ctx context.Context, path string, f *compareFlags) error {
	if f.samples < 0 {
		return usagef("--samples is %d: want a number of pictures, or 0 for all", f.samples)
	}
	m, err := model.Load(path)
	if err != nil {
		return err
	}
	g, err := graph.Build(m)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if f.record != "" {
		return f.recordTo(ctx, path, m, g)
	}
	if len(f.isa) != 2 {
		return usagef("--isa names %d instruction sets: want two, such as AVX512_CORE,AVX512_CORE_VNNI", len(f.isa))
	}
	c := comparison{ISA: f.isa}
	if c.Proofs, err = calibrate.CheckPairs(g); err != nil {
		return err
	}
	if c.Tensors, err = f.runBoth(ctx, path); err != nil {
		return err
	}
	if f.json {
		err = a.out.json(c)
	} else {
		a.writeComparison(c)
	}
	if c.different() > 0 {
		err = errors.Join(err, fmt.Errorf("the results of %s and %s differ", c.ISA[0], c.ISA[1]))
	}
	return err
}

// different counts the bytes that differ.
func (c comparison) different() (n int64) {
	for _, t := range c.Tensors {
		n += t.Different
	}
	return n
}

// runBoth runs this program once for each instruction set.
func (f *compareFlags) runBoth(ctx context.Context, path string) ([]integers.Difference, error) {
	dir, err := os.MkdirTemp("", "octet-compare-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var records [2]io.Reader
	for i, isa := range f.isa {
		file := fmt.Sprintf("%s/%d", dir, i)
		cmd := exec.CommandContext(ctx, self, append(f.again(), "--record", file, "--", path)...)
		cmd.Env = append(os.Environ(), maxISA+"="+isa)
		var said strings.Builder
		cmd.Stderr = &said
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("run with %s=%s: %w: %s", maxISA, isa, err, strings.TrimSpace(said.String()))
		}
		r, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		records[i] = r
	}
	return integers.Compare(records[0], records[1])
}

// again returns the command line that compare was called with, without what
// only the first process needs.
func (f *compareFlags) again() []string {
	line := []string{"compare", "--progress=none"}
	for _, name := range []string{"data", "list", "batch-size", "workers", "bad-images", "samples", "preset", "resize-short", "crop",
		"filter", "rounding", "divide", "mean", "std", "channels", "layout"} {
		if flag := f.flags.Lookup(name); flag != nil && flag.Changed {
			line = append(line, "--"+name, strings.Trim(flag.Value.String(), "[]"))
		}
	}
	return line
}

// recordTo runs the pictures and writes the INT8 tensors.
func (f *compareFlags) recordTo(ctx context.Context, path string, m *model.Model, g *graph.Graph) (err error) {
	feeds, err := eval.FeedsOf(m.Program)
	if err != nil {
		return err
	}
	loader, err := f.selection(path)
	if err != nil {
		return err
	}
	file, err := os.Create(f.record)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r, err := integers.NewRecorder(g, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for b, err := range loader.Batches(ctx) {
		if err != nil {
			return err
		}
		in, err := feeds.Inputs(b.Images, b.Labels)
		if err != nil {
			return err
		}
		if err := r.Run(ctx, in); err != nil {
			return err
		}
		b.Release()
	}
	return nil
}

// selection opens the pictures that --samples takes.
func (f *compareFlags) selection(path string) (*dataset.Loader, error) {
	preset, err := f.preset(path)
	if err != nil {
		return nil, err
	}
	list, err := f.open(false)
	if err != nil {
		return nil, err
	}
	if f.samples > 0 {
		list = list.Spread(f.samples)
	}
	return f.loader(list, preset)
}

// writeComparison prints what differs.
func (a *app) writeComparison(c comparison) {
	channels, unsafe := 0, 0
	for _, p := range c.Proofs {
		channels += p.Channels
		unsafe += p.Unsafe
	}
	var bytes int64
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, t := range c.Tensors {
		bytes += t.Bytes
		if t.Different > 0 {
			fmt.Fprintf(w, "%s\t%d of %d bytes\tby up to %d\t\n", t.Name, t.Different, t.Bytes, t.Largest)
		}
	}
	w.Flush()
	fmt.Fprintf(a.out, "proved for %d of %d output channels in %d layers\n", channels-unsafe, channels, len(c.Proofs))
	fmt.Fprintf(a.out, "%s and %s differ in %d of %d bytes of %d INT8 tensors\n", c.ISA[0], c.ISA[1], c.different(), bytes, len(c.Tensors))
}
