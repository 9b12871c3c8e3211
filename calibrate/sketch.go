package calibrate

import (
	"bytes"
	"slices"
)

// sketchSize bounds how many samples a sketch keeps.
const sketchSize = 256

// A sketch is a fair selection of the samples, of bounded size: those with the
// smallest digests. As a digest is as good as drawn by lot, so is the
// selection; and it depends neither on the order of the samples nor on which
// sketches are merged. (Known as bottom-k or KMV: E. Cohen, H. Kaplan, "Summarizing data
// using bottom-k sketches", 2007.) Samples of equal content are one
// that is counted; the count of a sample that is kept is exact.
type sketch []sketched // in order of digests, each once

// A sketched is one sample.
type sketched struct {
	Digest digest
	Count  uint64    // how often it came
	Class  int       // to which the network assigned it, or -1
	Look   look      // of the picture
	Tops   []float32 // the largest |x| of each tensor, or nil
}

// wants reports whether the sketch would keep a sample.
func (s sketch) wants(d digest) bool {
	return len(s) < sketchSize || bytes.Compare(d[:], s[len(s)-1].Digest[:]) <= 0
}

// add counts a sample.
func (s *sketch) add(one sketched) {
	i, found := slices.BinarySearchFunc(*s, one.Digest, func(a sketched, d digest) int { return bytes.Compare(a.Digest[:], d[:]) })
	if found {
		(*s)[i].Count += one.Count
		return
	}
	*s = slices.Insert(*s, i, one)
	if len(*s) > sketchSize {
		*s = slices.Delete(*s, sketchSize, len(*s))
	}
}

// merge adds the samples of o.
func (s *sketch) merge(o sketch) {
	for _, one := range o {
		s.add(one)
	}
}

// tops returns the largest |x| of tensor i in each sample.
func (s sketch) tops(i int) []float32 {
	var list []float32
	for _, one := range s {
		if one.Tops != nil {
			list = append(list, one.Tops[i])
		}
	}
	return list
}
