package calibrate

import (
	"slices"

	"github.com/octet-dnn/octet/model"
)

// maxProbes is how many samples Auto measures with.
const maxProbes = 8

// A probes holds the inputs of the first samples of a sketch, of one image each.
type probes map[digest][]*model.Tensor

// wanted returns the digests of the samples to measure with.
func wanted(s sketch) []digest {
	var list []digest
	for _, one := range s[:min(len(s), maxProbes)] {
		list = append(list, one.Digest)
	}
	return list
}

// offer keeps those images of a batch that are wanted, and no others.
func (p *probes) offer(s sketch, in []*model.Tensor, digests []digest) {
	want := wanted(s)
	if *p == nil {
		*p = probes{}
	}
	for d := range *p {
		if !slices.Contains(want, d) {
			delete(*p, d)
		}
	}
	for i, d := range digests {
		if slices.Contains(want, d) && (*p)[d] == nil {
			(*p)[d] = oneOf(in, i, len(digests))
		}
	}
}

// oneOf copies one image of n.
func oneOf(in []*model.Tensor, image, n int) []*model.Tensor {
	one := viewOf(in, image, n)
	for i, t := range one {
		if t != in[i] {
			t.Data = slices.Clone(t.Data)
		}
	}
	return one
}

// viewOf returns one image of n, which shares its data with in.
func viewOf(in []*model.Tensor, image, n int) []*model.Tensor {
	one := make([]*model.Tensor, len(in))
	for i, t := range in {
		if t == nil || len(t.Dims) == 0 || t.Dims[0] != int64(n) {
			one[i] = t
			continue
		}
		dims := slices.Clone(t.Dims)
		dims[0] = 1
		one[i] = &model.Tensor{DType: t.DType, Dims: dims, Data: rowOf(t, image, n)}
	}
	return one
}
