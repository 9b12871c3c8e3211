package eval

import (
	"fmt"
	"math"

	"github.com/octet-dnn/octet/model"
)

// Probabilities finds the class probabilities among the fetches of a batch of
// n pictures: the first float32 tensor of n rows and more than one column
// (further dims of 1 do not count). Rows that are no distribution, such as
// logits, go through softmax. It returns nil if there is no such tensor. The
// result may alias out.
func Probabilities(out []*model.Tensor, n int) (rows []float32, classes int) {
	for _, t := range out {
		if t.DType != model.FP32 || len(t.Dims) < 2 || t.Dims[0] != int64(n) || t.Dims[1] < 2 || t.Len() != n*int(t.Dims[1]) {
			continue
		}
		classes, rows = int(t.Dims[1]), t.Float32s()
		if !distributions(rows, classes) {
			rows = softmax(rows, classes)
		}
		return rows, classes
	}
	return nil, 0
}

// distributions reports whether every row could have come from a softmax. A sum
// of a thousand rounded probabilities is well within 1e-2 of 1; logits are not.
func distributions(x []float32, classes int) bool {
	for ; len(x) > 0; x = x[classes:] {
		sum := 0.0
		for _, v := range x[:classes] {
			if v < 0 {
				return false
			}
			sum += float64(v)
		}
		if math.Abs(sum-1) > 1e-2 {
			return false
		}
	}
	return true
}

func softmax(x []float32, classes int) []float32 {
	y := make([]float32, len(x))
	for at := 0; at < len(x); at += classes {
		row, largest, sum := x[at:at+classes], math.Inf(-1), 0.0
		for _, v := range row {
			largest = max(largest, float64(v))
		}
		for _, v := range row {
			sum += math.Exp(float64(v) - largest)
		}
		for i, v := range row {
			y[at+i] = float32(math.Exp(float64(v)-largest) / sum)
		}
	}
	return y
}

// A fetched says at which places of the fetches an accuracy for k classes stands.
type fetched map[int64]int

// accuracies finds the fetches that accuracy operators compute, for models
// that do not fetch the probabilities.
func accuracies(p *model.Program) fetched {
	found := fetched{}
	for i, name := range p.Fetches() {
		o := maker(p, name)
		if o == nil || o.Type != "accuracy" || len(o.In("Indices")) == 0 {
			continue
		}
		if top := maker(p, o.In("Indices")[0]); top != nil {
			found[top.Int("k", 1)] = i
		}
	}
	return found
}

// maker returns the last operator that writes the variable, looking behind the
// scale by 1 that Paddle 1.6 to 1.8 puts before every fetch.
func maker(p *model.Program, name string) *model.Op {
	ops := p.Blocks[0].Ops
	for i := len(ops) - 1; i >= 0; i-- {
		for _, s := range ops[i].Outputs {
			for _, v := range s.Args {
				if v != name {
					continue
				}
				if x := ops[i].In("X"); (ops[i].Type == "scale" || ops[i].Type == "assign") && len(x) == 1 && x[0] != name {
					return maker(&model.Program{Blocks: []*model.Block{{Ops: ops[:i]}}}, x[0])
				}
				return ops[i]
			}
		}
	}
	return nil
}

// share reads an accuracy, a single number from 0 to 1.
func share(t *model.Tensor) (float64, error) {
	if x := t.Float32s(); len(x) == 1 && x[0] >= 0 && x[0] <= 1 {
		return float64(x[0]), nil
	}
	return 0, fmt.Errorf("%w: its accuracy is no number from 0 to 1", ErrModel)
}
