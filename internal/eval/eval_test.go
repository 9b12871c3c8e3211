package eval

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/model"
)

// A fake runs no network: the grey of a picture's first pixel, times scale, is
// the class that it gives the largest probability. classes follow in a circle.
type fake struct {
	classes int
	shift   int    // added to the class
	only    string // "accuracy": fetch only acc1 and acc5
	nan     bool
}

const greys = 10 // the grey of class c is c*greys

func (f fake) Run(_ context.Context, in []*model.Tensor) ([]*model.Tensor, error) {
	n := int(in[0].Dims[0])
	rows, hits1, hits5 := make([]float32, n*f.classes), 0, 0
	x := in[0].Float32s()
	for i := range n {
		class := (int(math.Round(float64(x[i*len(x)/n])/greys)) + f.shift) % f.classes
		for c := range f.classes {
			after := (c - class + f.classes) % f.classes // 0 for the class itself
			rows[i*f.classes+c] = 2 * float32(f.classes-after) / float32(f.classes*(f.classes+1))
			if len(in) > 1 && int64(c) == in[1].Int64s()[i] {
				if after == 0 {
					hits1++
				}
				if after < 5 {
					hits5++
				}
			}
		}
	}
	if f.nan {
		rows[0] = float32(math.NaN())
	}
	if f.only == "accuracy" {
		acc5, err5 := model.Float32Tensor([]float32{float32(hits5) / float32(n)}, 1)
		acc1, err1 := model.Float32Tensor([]float32{float32(hits1) / float32(n)}, 1)
		return []*model.Tensor{acc5, acc1}, errors.Join(err1, err5)
	}
	out, err := model.Float32Tensor(rows, int64(n), int64(f.classes))
	return []*model.Tensor{out}, err
}

const side = 4

// preset leaves the greys as they are.
func preset() dataset.Preset {
	p := dataset.DefaultPreset().Size(0, side)
	p.Divide, p.Mean, p.Std = 1, dataset.Triple{}, dataset.Triple{1, 1, 1}
	return p
}

// pictures writes grey pictures; the list claims the labels.
func pictures(t *testing.T, classes, labels []int) *dataset.List {
	t.Helper()
	dir := t.TempDir()
	var list strings.Builder
	for i, class := range classes {
		m := image.NewGray(image.Rect(0, 0, side, side))
		for j := range m.Pix {
			m.Pix[j] = color.Gray{Y: uint8(class * greys)}.Y
		}
		name := fmt.Sprintf("%02d.png", i)
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(png.Encode(f, m), f.Close()); err != nil {
			t.Fatal(err)
		}
		if labels == nil {
			fmt.Fprintln(&list, name)
		} else {
			fmt.Fprintln(&list, name, labels[i])
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "val_list.txt"), []byte(list.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	l, err := dataset.Open(dir, "", dataset.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func loader(t *testing.T, l *dataset.List, p dataset.Preset) *dataset.Loader {
	t.Helper()
	// Batches of 3 so that the last one is short.
	ld, err := dataset.NewLoader(l, p, dataset.LoaderOptions{Batch: 3})
	if err != nil {
		t.Fatal(err)
	}
	return ld
}

// program declares feeds and fetches; nothing runs it.
func program(label, accuracy bool) *model.Program {
	p := model.NewProgram()
	b := p.Blocks[0]
	b.AddFeed("image", model.FP32, -1, 3, side, side)
	if label {
		b.AddFeed("label", model.Int64, -1, 1)
	}
	if !accuracy {
		b.AddTensor("prob", model.FP32, -1, 8)
		b.AddFetch("prob")
		return p
	}
	for _, k := range []int32{5, 1} { // fetched in the less usual order
		top, acc := fmt.Sprintf("top%d", k), fmt.Sprintf("acc%d", k)
		b.AddOp("top_k", model.Slots("X", "prob"), model.Slots("Out", top+"v", "Indices", top), model.IntAttr("k", k))
		b.AddOp("accuracy", model.Slots("Out", top+"v", "Indices", top, "Label", "label"), model.Slots("Accuracy", acc))
		b.AddOp("scale", model.Slots("X", acc), model.Slots("Out", acc+"_out")) // as 1.8 saves targets
		b.AddTensor(acc+"_out", model.FP32, 1)
		b.AddFetch(acc + "_out")
	}
	return p
}

func TestRun(t *testing.T) {
	list := pictures(t, []int{0, 1, 2, 3, 4, 5, 6}, []int{0, 1, 2, 4, 7, 2, 6})
	ld := loader(t, list, preset())
	plain := &Net{Name: "plain", Program: program(false, false), Runner: fake{classes: 8}, Loader: ld}
	shifted := &Net{Name: "shifted", Program: program(true, false), Runner: fake{classes: 8, shift: 1}, Loader: ld}
	counting := &Net{Name: "counting", Program: program(true, true), Runner: fake{classes: 8, only: "accuracy"}, Loader: ld}
	apart := &Net{Name: "apart", Program: program(false, false), Runner: fake{classes: 8}, Loader: loader(t, list, preset())}
	// By hand: 0, 1, 2 and 6 are right at once; 3→4 and 4→7 within five places; 5→2 is place 5, too late.
	right := Score{Top1: 400.0 / 7, Top5: 600.0 / 7, Top1Images: 4, Top5Images: 6}
	// Shifted by one only 3→4 is right; 4→7 follows two places on; 0, 1, 2 and 6 come last.
	// 5 guesses 6, and 2 is place 4.
	wrong := Score{Top1: 100.0 / 7, Top5: 300.0 / 7, Top1Images: 1, Top5Images: 3}
	all, none, zero := 100.0, 0, 0.0
	seven := 7
	for _, c := range []struct {
		name       string
		fp32, int8 *Net
		want       Result
	}{
		{"one net", plain, nil, Result{Images: 7, FP32: right}},
		{"the same twice", plain, plain, Result{Images: 7, FP32: right, INT8: &right, Agreement: &all, AgreementImages: &seven, MeanKL: &zero}},
		{"loaders of their own", plain, apart, Result{Images: 7, FP32: right, INT8: &right, Agreement: &all, AgreementImages: &seven, MeanKL: &zero}},
		{"never equal", plain, shifted, Result{Images: 7, FP32: right, INT8: &wrong, Agreement: &zero, AgreementImages: &none}},
		{"only accuracies fetched", counting, nil, Result{Images: 7, FP32: right}},
		{"accuracies against probabilities", plain, counting, Result{Images: 7, FP32: right, INT8: &right}},
	} {
		t.Run(c.name, func(t *testing.T) {
			heard := 0
			got, err := Run(t.Context(), c.fp32, c.int8, func(n int) { heard += n })
			if err != nil {
				t.Fatal(err)
			}
			if c.name == "never equal" {
				if got.MeanKL == nil || !(*got.MeanKL > 0) {
					t.Errorf("MeanKL is %v of different distributions", got.MeanKL)
				}
				got.MeanKL = nil
			}
			if diff := cmp.Diff(c.want, *got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if heard != 7 {
				t.Errorf("progress heard of %d pictures, want 7", heard)
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	labelled, unlabelled := pictures(t, []int{0, 1}, []int{0, 9}), pictures(t, []int{0, 1}, nil)
	noImage := model.NewProgram()
	noImage.Blocks[0].AddFeed("label", model.Int64, -1, 1)
	twoImages := program(false, false)
	twoImages.Blocks[0].AddFeed("other", model.FP32, -1, 3, side, side)
	net := func(p *model.Program, l *dataset.List, f fake) *Net {
		return &Net{Name: "net", Program: p, Runner: f, Loader: loader(t, l, preset())}
	}
	for _, c := range []struct {
		name       string
		fp32, int8 *Net
		want       error
	}{
		{"a label beyond the classes", net(program(false, false), labelled, fake{classes: 8}), nil, ErrLabels},
		{"no labels", net(program(false, false), unlabelled, fake{classes: 8}), nil, ErrLabels},
		{"NaN", net(program(false, false), labelled, fake{classes: 10, nan: true}), nil, ErrNotFinite},
		{"no picture feed", net(noImage, labelled, fake{classes: 10}), nil, ErrModel},
		{"two picture feeds", net(twoImages, labelled, fake{classes: 10}), nil, ErrModel},
		{"neither probabilities nor accuracy", net(program(false, false), labelled, fake{classes: 10, only: "accuracy"}), nil, ErrModel},
		{"other classes", net(program(false, false), labelled, fake{classes: 10}), net(program(false, false), labelled, fake{classes: 11}), ErrModel},
		{"other pictures", net(program(false, false), labelled, fake{classes: 10}), net(program(false, false), labelled.Head(1), fake{classes: 10}), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Run(t.Context(), c.fp32, c.int8, nil)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("error %v, want one that wraps %v", err, c.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, net(program(false, false), labelled, fake{classes: 10}), nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v, want context.Canceled", err)
	}
}

func TestFeedsCheck(t *testing.T) {
	feeds, err := FeedsOf(program(true, false))
	if err != nil {
		t.Fatal(err)
	}
	if err := feeds.Check(preset()); err != nil {
		t.Errorf("pictures of the model's size: %v", err)
	}
	nhwc := preset()
	nhwc.Layout = "NHWC"
	for name, p := range map[string]dataset.Preset{"too large": preset().Size(0, side+1), "another layout": nhwc} {
		if err := feeds.Check(p); !errors.Is(err, ErrModel) {
			t.Errorf("%s: error %v, want ErrModel", name, err)
		}
	}
}
