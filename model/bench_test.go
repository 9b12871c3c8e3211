package model

import (
	"path/filepath"
	"strconv"
	"testing"
)

// BenchmarkLoad loads a model of ResNet-50's size, 102 MB in 267 parameters.
// The files are in the page cache: time and MB/s are those of the loader.
func BenchmarkLoad(b *testing.B) {
	for _, f := range forms {
		b.Run(f.name, func(b *testing.B) {
			out := filepath.Join(b.TempDir(), filepath.FromSlash(f.path))
			m := sizedLikeResNet(b)
			if err := Save(m, out, WithForm(f.form)); err != nil {
				b.Fatal(err)
			}
			var size int64
			for _, p := range m.Params {
				size += int64(len(p.Data))
			}
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Load(out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFingerprint hashes the same model.
func BenchmarkFingerprint(b *testing.B) {
	m := sizedLikeResNet(b)
	for b.Loop() {
		if Fingerprint(m) == "" {
			b.Fatal("no fingerprint")
		}
	}
}

// sizedLikeResNet has as many parameters and bytes as ResNet-50, and an
// operator with a dozen attributes for each.
func sizedLikeResNet(b testing.TB) *Model {
	b.Helper()
	const params, total = 267, 25_557_032 // elements of ResNet-50
	m := New()
	blk := m.Program.Blocks[0]
	blk.AddTensor("x", FP32, -1, 64, 56, 56)
	attrs := allAttrs()
	left := int64(total)
	for i := range params {
		n := int64(512) // three of four are vectors of a batch norm
		if i%4 == 0 {
			n = total / (params/4 + 2)
		}
		if i == params-1 {
			n = left
		}
		left -= n
		w := m.AddParam("res"+strconv.Itoa(i), floats(b, make([]float32, n), n))
		blk.AddOp("conv2d", Slots("Input", "x", "Filter", w), Slots("Output", "x"), attrs[:9]...)
	}
	return m
}
