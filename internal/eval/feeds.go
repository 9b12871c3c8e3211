package eval

import (
	"fmt"
	"slices"

	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/model"
)

// A Feeds says which inputs of a program take the pictures and the labels.
type Feeds struct {
	count        int
	image, label int // positions among the feeds; label is -1 where there is none
	imageName    string
	imageDims    []int64
	labelDims    []int64
}

// FeedsOf finds the picture feed, float32 of four dims, and the label feed,
// int64 of [N,1] or [N], if the program has one. Other feeds are an ErrModel.
func FeedsOf(p *model.Program) (Feeds, error) {
	f := Feeds{image: -1, label: -1}
	for i, name := range p.Feeds() {
		v := p.Blocks[0].Var(name)
		switch {
		case v != nil && v.DType == model.FP32 && len(v.Dims) == 4 && f.image < 0:
			f.image, f.imageName, f.imageDims = i, name, v.Dims
		case v != nil && v.DType == model.Int64 && len(v.Dims) <= 2 && f.label < 0:
			f.label, f.labelDims = i, v.Dims
		case v != nil:
			return Feeds{}, fmt.Errorf("%w: feed %q is %v %v: want one float32 feed of four dims, and at most one int64 feed of labels", ErrModel, name, v.DType, v.Dims)
		}
		f.count++
	}
	if f.image < 0 {
		return Feeds{}, fmt.Errorf("%w: no float32 feed of four dims among its %d feeds", ErrModel, f.count)
	}
	return f, nil
}

// Check reports whether the program takes the pictures that p makes.
func (f Feeds) Check(p dataset.Preset) error {
	made := p.Shape(1)
	for i := 1; i < len(made); i++ {
		if d := f.imageDims[i]; d >= 0 && d != made[i] {
			return fmt.Errorf("%w: the preprocessing gives pictures of %v (%s), feed %q takes %v: see the preset beside the model, or the preprocessing flags",
				ErrModel, made[1:], p.Layout, f.imageName, f.imageDims[1:])
		}
	}
	return nil
}

// Inputs arranges a batch as the program is fed. labels may be nil where the
// program is fed none.
func (f Feeds) Inputs(images, labels *model.Tensor) ([]*model.Tensor, error) {
	in := make([]*model.Tensor, f.count)
	in[f.image] = images
	if f.label < 0 {
		return in, nil
	}
	if labels == nil {
		return nil, fmt.Errorf("%w: the model is fed labels and the list has none", ErrLabels)
	}
	if len(f.labelDims) == 1 {
		labels = &model.Tensor{DType: labels.DType, Dims: slices.Clone(labels.Dims[:1]), Data: labels.Data}
	}
	in[f.label] = labels
	return in, nil
}

// Unlabelled is Inputs for labels that may be nil: zeros stand for them.
func (f Feeds) Unlabelled(images, labels *model.Tensor) ([]*model.Tensor, error) {
	if labels == nil && f.label >= 0 {
		n := images.Dims[0]
		var err error
		if labels, err = model.Int64Tensor(make([]int64, n), n, 1); err != nil {
			return nil, err
		}
	}
	return f.Inputs(images, labels)
}
