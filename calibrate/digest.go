package calibrate

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/parallel"
	"github.com/octet-dnn/octet/model"
)

// A digest is the SHA-256 of what one sample feeds to the network, as
// little-endian floats; or the sum of such, modulo 2^256, which stands for a set
// of samples in any order.
type digest [sha256.Size]byte

// plus returns d + e.
func (d digest) plus(e digest) digest {
	carry := uint(0)
	for i := len(d) - 1; i >= 0; i-- {
		carry += uint(d[i]) + uint(e[i])
		d[i] = byte(carry)
		carry >>= 8
	}
	return d
}

func (d digest) String() string { return hex.EncodeToString(d[:]) }

func parseDigest(s string) (d digest, err error) {
	if len(s) != 2*len(d) {
		return d, errors.New("want 64 hexadecimal digits")
	}
	_, err = hex.Decode(d[:], []byte(s))
	return d, err
}

// imagesOf returns the number of images in a batch: the first dim that the FP32
// inputs, those that decide about activations, have in common.
func imagesOf(in []*model.Tensor) (int, error) {
	n := -1
	for i, t := range in {
		if t == nil || t.DType != model.FP32 {
			continue
		}
		if len(t.Dims) == 0 || t.Dims[0] < 1 || n >= 0 && int64(n) != t.Dims[0] {
			return 0, fmt.Errorf("input %d has dims %v: want a batch of one image or more, the same for all: %w", i, t.Dims, graph.ErrShape)
		}
		n = int(t.Dims[0])
	}
	if n < 0 {
		return 0, fmt.Errorf("no float32 input: %w", graph.ErrShape)
	}
	return n, nil
}

// rowOf returns the bytes of one image of n in t.
func rowOf(t *model.Tensor, image, n int) []byte {
	size := len(t.Data) / n
	return t.Data[image*size : (image+1)*size]
}

// digestsOf returns the digest of each of n images.
func digestsOf(in []*model.Tensor, n int) []digest {
	list := make([]digest, n)
	parallel.Each(n, func(i int) {
		h := sha256.New()
		for _, t := range in {
			if t != nil && t.DType == model.FP32 {
				h.Write(rowOf(t, i, n))
			}
		}
		h.Sum(list[i][:0])
	})
	return list
}
