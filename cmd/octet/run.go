package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

type runFlags struct {
	preprocessing
	labels string
	top    int
	json   bool
}

func runCmd(a *app) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run MODEL IMAGE...",
		Short: "the most probable classes of pictures",
		Args:  args(cobra.MinimumNArgs(2)),
		RunE:  func(c *cobra.Command, args []string) error { return a.run(c.Context(), args[0], args[1:], &f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.labels, "labels", "", "`FILE` with the name of a class in each line, as synset_words.txt")
	flags.IntVar(&f.top, "top", 5, "how many classes to print")
	flags.BoolVar(&f.json, "json", false, "print one JSON object")
	a.registerPin(flags)
	f.register(flags)
	return c
}

// A guess is one class of a picture.
type guess struct {
	Class       int     `json:"class"`
	Label       string  `json:"label,omitempty"`
	Probability float32 `json:"probability"`
}

// A seen is what the network makes of a picture.
type seen struct {
	Image string  `json:"image"`
	Top   []guess `json:"top"`
}

func (a *app) run(ctx context.Context, path string, images []string, f *runFlags) (err error) {
	if f.top < 1 {
		return usagef("--top is %d: want 1 or more", f.top)
	}
	labels, err := readLabels(f.labels)
	if err != nil {
		return err
	}
	preset, err := f.preset(path)
	if err != nil {
		return err
	}
	p, net, err := a.openNet(path, preset)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	pre, err := dataset.NewPreprocessor(preset, dataset.Limits{})
	if err != nil {
		return err
	}
	var all []seen
	for _, image := range images {
		row, err := probabilities(ctx, net, pre, preset, image)
		if err != nil {
			return err
		}
		s := seen{Image: image}
		for _, class := range eval.Top(row, f.top) {
			g := guess{Class: class, Probability: row[class]}
			if class < len(labels) {
				g.Label = labels[class]
			}
			s.Top = append(s.Top, g)
		}
		all = append(all, s)
		if !f.json {
			a.print(s)
		}
	}
	if f.json {
		return a.out.json(map[string][]seen{"images": all})
	}
	return nil
}

func (a *app) print(s seen) {
	fmt.Fprintf(a.out, "%s\n", s.Image)
	for _, g := range s.Top {
		fmt.Fprintf(a.out, "  %6.2f %%  %4d  %s\n", 100*g.Probability, g.Class, g.Label)
	}
}

// probabilities runs one picture.
func probabilities(ctx context.Context, net *eval.Net, pre *dataset.Preprocessor, preset dataset.Preset, image string) ([]float32, error) {
	data, err := readFile(image)
	if err != nil {
		return nil, err
	}
	x := make([]float32, preset.Elems())
	if err := pre.Float32(x, data); err != nil {
		return nil, fmt.Errorf("%s: %w", image, err)
	}
	pixels, err := model.Float32Tensor(x, preset.Shape(1)...)
	if err != nil {
		return nil, err
	}
	// A label is only compared with the result, so any will do.
	label, err := model.Int64Tensor([]int64{0}, 1, 1)
	if err != nil {
		return nil, err
	}
	feeds, err := eval.FeedsOf(net.Program)
	if err != nil {
		return nil, err
	}
	in, err := feeds.Inputs(pixels, label)
	if err != nil {
		return nil, err
	}
	out, err := net.Runner.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	row, _ := eval.Probabilities(out, 1)
	if row == nil {
		return nil, fmt.Errorf("%s: %w: it fetches no probabilities", net.Name, eval.ErrModel)
	}
	return row, nil
}

// wordNetID stands before the names in ImageNet's synset_words.txt.
var wordNetID = regexp.MustCompile(`^n\d{8}\s+`)

// readLabels reads a class name a line, without WordNet's number; none if file is "".
func readLabels(file string) ([]string, error) {
	if file == "" {
		return nil, nil
	}
	text, err := readFile(file)
	if err != nil {
		return nil, err
	}
	var labels []string
	for line := range strings.Lines(string(text)) {
		labels = append(labels, wordNetID.ReplaceAllString(strings.TrimSpace(line), ""))
	}
	return labels, nil
}
