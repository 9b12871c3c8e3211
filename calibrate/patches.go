package calibrate

import (
	"context"
	"errors"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/parallel"
	"github.com/octet-dnn/octet/model"
)

// patches cuts what a convolution multiplies out of one image.
type patches struct {
	image    []float32 // CHW
	channels int       // of a group
	h, w     int
	window   graph.Window
}

// gather writes what group g multiplies at a place of the output into row, in
// the order of the filter's I, H and W; padding is 0.
func (p *patches) gather(g, place int, row []float32) {
	top := place/p.window.Out[1]*p.window.Strides[0] - p.window.Pads[0]
	left := place%p.window.Out[1]*p.window.Strides[1] - p.window.Pads[2]
	at := 0
	for c := range p.channels {
		plane := p.image[(g*p.channels+c)*p.h*p.w:][:p.h*p.w]
		for i := range p.window.Kernel[0] {
			y := top + i*p.window.Dilations[0]
			for j := range p.window.Kernel[1] {
				x := left + j*p.window.Dilations[1]
				row[at] = 0
				if y >= 0 && y < p.h && x >= 0 && x < p.w {
					row[at] = plane[y*p.w+x]
				}
				at++
			}
		}
	}
}

// A gramian multiplies chunks of rows with themselves, on the Runner of the
// calibrator: that is where its time goes, and the Runner has the faster product.
type gramian struct {
	ctx     context.Context
	make    NewRunner
	runners map[int]Runner
}

// ownProduct is the number of columns up to which calling a Runner costs more
// than it saves.
const ownProduct = 160

// add adds x'·x to into, x being chunkRows×k.
func (p *gramian) add(into, x []float32, k int) error {
	if k <= ownProduct {
		parallel.Each(k, func(i int) {
			sums := into[i*k : (i+1)*k]
			for at := 0; at < len(x); at += k {
				row := x[at : at+k]
				if v := row[i]; v != 0 { // half of what a relu gives is 0
					for j, u := range row {
						sums[j] += v * u
					}
				}
			}
		})
		return nil
	}
	r := p.runners[k]
	if r == nil {
		var err error
		if r, err = p.make(productGraph(k), nil); err != nil {
			return err
		}
		p.runners[k] = r
	}
	t, err := model.Float32Tensor(x, 1, chunkRows, int64(k))
	if err != nil {
		return err
	}
	out, err := r.Run(p.ctx, []*model.Tensor{t}, nil)
	if err != nil {
		return err
	}
	for i, v := range out[0].Float32s() {
		into[i] += v
	}
	return nil
}

// productGraph computes x'·x of a matrix of k columns.
func productGraph(k int) *graph.Graph {
	x := &graph.Value{Name: "x", DType: model.FP32, Dims: []int64{-1, chunkRows, int64(k)}}
	y := &graph.Value{Name: "y", DType: model.FP32}
	y.Producer = &graph.Layer{Name: "y", Op: &graph.MatMul{TransX: true, Alpha: 1}, In: []*graph.Value{x, x}, Out: []*graph.Value{y}}
	return &graph.Graph{
		Name: "gramian", Inputs: []*graph.Value{x}, Layers: []*graph.Layer{y.Producer},
		Outputs: []graph.Output{{Name: "y", Value: y}},
	}
}

// Close frees the runners.
func (p *gramian) Close() error {
	var err error
	for _, r := range p.runners {
		err = errors.Join(err, r.Close())
	}
	return err
}
