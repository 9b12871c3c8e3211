package calibrate

import (
	"github.com/octet-dnn/octet/internal/parallel"
	"github.com/octet-dnn/octet/model"
)

// A seen tells which samples went into a calibration. It is the same whatever
// order they came in.
type seen struct {
	count  int    // samples
	data   digest // the sum of their digests
	sketch sketch
}

func (s *seen) add(samples []sketched) {
	for _, one := range samples {
		s.count++
		s.data = s.data.plus(one.Digest)
		if s.sketch.wants(one.Digest) {
			s.sketch.add(one)
		}
	}
}

// describe returns the samples of a batch, as far as they can be told from its inputs.
func (c *Calibrator) describe(in []*model.Tensor, digests []digest) []sketched {
	samples := make([]sketched, len(digests))
	parallel.Each(len(digests), func(i int) {
		samples[i] = sketched{Digest: digests[i], Count: 1, Class: -1}
		if !c.seen.sketch.wants(digests[i]) {
			return
		}
		for _, w := range c.inputs {
			if l, ok := lookOf(in[w.input], i, len(digests)); ok {
				samples[i].Look = l
				return
			}
		}
	})
	return samples
}

// complete adds to samples what running them has shown.
func (c *Calibrator) complete(samples []sketched, out []*model.Tensor) {
	classes := classesOf(out, len(samples))
	for i := range samples {
		if !c.seen.sketch.wants(samples[i].Digest) {
			continue
		}
		if classes != nil {
			samples[i].Class = classes[i]
		}
		if !c.twoPasses() {
			samples[i].Tops = c.pass.topsOf(i)
		}
	}
}

// classesOf returns the place of the largest value in each row of the first
// fetch that could be the probabilities of n images, or nil.
func classesOf(out []*model.Tensor, n int) []int {
	for _, t := range out {
		if t == nil || t.DType != model.FP32 || len(t.Dims) < 2 || t.Dims[0] != int64(n) || t.Dims[1] < 2 || t.Len() != n*int(t.Dims[1]) {
			continue
		}
		x, width := t.Float32s(), int(t.Dims[1])
		classes := make([]int, n)
		for i := range classes {
			row := x[i*width : (i+1)*width]
			for j, v := range row {
				if v > row[classes[i]] {
					classes[i] = j
				}
			}
		}
		return classes
	}
	return nil
}
