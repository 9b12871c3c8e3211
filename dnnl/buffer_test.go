//go:build cgo

package dnnl_test

import (
	"testing"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
)

func TestBufferIsZeroedAndAligned(t *testing.T) {
	const mib = 1 << 20
	for size, align := range map[int]uintptr{0: 64, 1: 64, 100: 64, mib: 64, 2 * mib: 2 * mib, 5*mib + 3: 2 * mib} {
		b := open(t).buffer(size)
		if b.Size() != size || len(b.Bytes()) != size {
			t.Errorf("size %d: Size %d, %d bytes", size, b.Size(), len(b.Bytes()))
		}
		if off := uintptr(b.At(0)) % align; off != 0 {
			t.Errorf("size %d: %d bytes off the alignment of %d", size, off, align)
		}
		for i, v := range b.Bytes() {
			if v != 0 {
				t.Fatalf("size %d: byte %d is %d", size, i, v)
			}
		}
		if b.At(-1) != nil || b.At(size+1) != nil || b.At(size) != unsafe.Add(b.At(0), size) {
			t.Errorf("size %d: At does not keep to the buffer", size)
		}
		b.Close()
	}
}

func TestBufferRefuses(t *testing.T) {
	k := open(t)
	_, err := dnnl.NewBuffer(-1)
	expect(t, "negative size", err, dnnl.ErrInvalidArguments)
	_, err = dnnl.NewBuffer(1 << 60)
	expect(t, "an exbibyte", err, dnnl.ErrOutOfMemory)

	b, d := k.buffer(32), k.f32(2, 3)
	for _, off := range []int{-1, 9, 33, 1 << 62} {
		_, err := b.Memory(k.engine, d, off)
		expect(t, "a tensor past the end", err, dnnl.ErrInvalidArguments)
	}
	must(k, func() (*dnnl.Memory, error) { return b.Memory(k.engine, d, 8) })
	_, err = b.Memory(k.engine, nil, 0)
	expect(t, "no descriptor", err, dnnl.ErrInvalidArguments)
	_, err = dnnl.NewMemory(k.engine, nil, nil)
	expect(t, "no descriptor", err, dnnl.ErrInvalidArguments)
}

func TestViewSharesTheBuffer(t *testing.T) {
	b := open(t).buffer(11)
	v := dnnl.View[float32](b)
	if len(v) != 2 {
		t.Fatalf("11 bytes hold %d whole float32, want 2", len(v))
	}
	v[1] = 1
	if got := b.Bytes()[7]; got != 0x3f { // the top byte of 1.0, little-endian
		t.Errorf("byte 7 is %#x, want 0x3f", got)
	}
	if len(dnnl.View[uint16](b)) != 5 || len(dnnl.View[int8](b)) != 11 {
		t.Error("views of other types have other lengths than the buffer")
	}
}

// A memory in a buffer keeps it.
func TestMemoryKeepsItsBuffer(t *testing.T) {
	k := open(t)
	p, d := k.relu(4)
	b := k.buffer(d.Size())
	m := must(k, func() (*dnnl.Memory, error) { return b.Memory(k.engine, d, 0) })
	alive := dnnl.Live()
	b.Close()
	if got := dnnl.Live(); got != alive {
		t.Errorf("%d objects alive after closing the buffer of a memory, want %d", got, alive)
	}
	k.run(p, dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: m}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: m})
	alive = dnnl.Live()
	m.Close()
	if got := dnnl.Live(); got != alive-2 {
		t.Errorf("%d objects alive after closing the memory too, want %d", got, alive-2)
	}
}
