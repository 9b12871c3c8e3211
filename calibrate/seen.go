package calibrate

import "github.com/octet-dnn/octet/model"

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

// describe returns the n samples of a batch that has been run.
func (c *Calibrator) describe(in, out []*model.Tensor, n int) []sketched {
	classes := classesOf(out, n)
	samples := make([]sketched, n)
	for i, d := range digestsOf(in, n) {
		samples[i] = sketched{Digest: d, Count: 1, Class: -1}
		if !c.seen.sketch.wants(d) {
			continue
		}
		if classes != nil {
			samples[i].Class = classes[i]
		}
		for _, w := range c.inputs {
			if l, ok := lookOf(in[w.input], i, n); ok {
				samples[i].Look = l
				break
			}
		}
		if !c.twoPasses() {
			samples[i].Tops = c.pass.topsOf(i)
		}
	}
	return samples
}

// digestsIn returns the digest of each sample.
func digestsIn(samples []sketched) []digest {
	list := make([]digest, len(samples))
	for i, one := range samples {
		list[i] = one.Digest
	}
	return list
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
