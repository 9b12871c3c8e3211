package main

import (
	"errors"

	"github.com/octet-dnn/octet/model"
)

// The network that doctor runs: on a 5×5 picture, a 3×3 convolution into two
// channels, ReLU, and a 1×1 convolution into one.
const checkSide = 5

var (
	checkFilter = []float32{
		1, 0, -1, 2, 0, -2, 1, 0, -1, // a gradient along rows
		0, 1, 0, 1, 1, 1, 0, 1, 0, // a sum of five
	}
	checkMix = []float32{2, 1}
)

// checkModel returns the network, a picture and what it makes of it, computed
// here by the definition.
func checkModel() (m *model.Model, in *model.Tensor, want []float32, err error) {
	picture := make([]float32, checkSide*checkSide)
	for i := range picture {
		picture[i] = float32(i * 7 % 11)
	}
	in, err1 := model.Float32Tensor(picture, 1, 1, checkSide, checkSide)
	filter, err2 := model.Float32Tensor(checkFilter, 2, 1, 3, 3)
	mix, err3 := model.Float32Tensor(checkMix, 1, 2, 1, 1)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, nil, nil, err
	}
	m = model.New()
	m.Name = "check"
	b := m.Program.Blocks[0]
	x := b.AddFeed("x", model.FP32, -1, 1, checkSide, checkSide)
	addConv(m, x, "w1", filter, "y1", 2)
	b.AddTensor("y2", model.FP32, -1, 2, checkSide-2, checkSide-2)
	b.AddOp("relu", model.Slots("X", "y1"), model.Slots("Out", "y2"))
	addConv(m, "y2", "w2", mix, "y3", 1)
	b.AddFetch("y3")
	return m, in, expected(picture), nil
}

// addConv adds a convolution of stride 1 without padding, whose result is as
// large as checkModel's both are.
func addConv(m *model.Model, x, name string, filter *model.Tensor, y string, channels int64) {
	b := m.Program.Blocks[0]
	b.AddTensor(y, model.FP32, -1, channels, checkSide-2, checkSide-2)
	b.AddOp("conv2d", model.Slots("Input", x, "Filter", m.AddParam(name, filter)), model.Slots("Output", y),
		model.IntsAttr("strides", 1, 1), model.IntsAttr("paddings", 0, 0), model.IntsAttr("dilations", 1, 1), model.IntAttr("groups", 1))
}

// expected computes the network.
func expected(picture []float32) []float32 {
	const side = checkSide - 2
	out := make([]float32, side*side)
	for i := range out {
		for c, weight := range checkMix {
			var sum float32
			for k := range 9 {
				sum += checkFilter[9*c+k] * picture[(i/side+k/3)*checkSide+i%side+k%3]
			}
			out[i] += weight * max(sum, 0)
		}
	}
	return out
}
