//go:build cgo

package dnnl_test

import (
	"runtime"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

// kit is an engine and a stream, and makers that fail the test and close what
// they made when it ends. At the end nothing of it may be left alive.
type kit struct {
	testing.TB
	engine *dnnl.Engine
	stream *dnnl.Stream
}

func open(t testing.TB) *kit {
	t.Helper()
	before := dnnl.Live()
	t.Cleanup(func() {
		if after := dnnl.Live(); after != before {
			t.Errorf("%d objects alive at the end, %d at the start", after, before)
		}
	})
	k := &kit{TB: t}
	k.engine = must(k, dnnl.NewEngine)
	k.stream = must(k, func() (*dnnl.Stream, error) { return dnnl.NewStream(k.engine) })
	return k
}

// must runs a maker and closes what it returns when the test ends.
func must[T interface{ Close() error }](k *kit, maker func() (T, error)) T {
	k.Helper()
	made, err := maker()
	if err != nil {
		k.Fatal(err)
	}
	k.Cleanup(func() { made.Close() })
	return made
}

func (k *kit) desc(dims []int, dt dnnl.DataType, tag dnnl.Tag) *dnnl.Desc {
	k.Helper()
	return must(k, func() (*dnnl.Desc, error) { return dnnl.NewDesc(dims, dt, tag) })
}

func (k *kit) f32(dims ...int) *dnnl.Desc {
	k.Helper()
	tags := []dnnl.Tag{dnnl.A, dnnl.AB, dnnl.ABC, dnnl.ABCD, dnnl.ABCDE}
	return k.desc(dims, dnnl.F32, tags[len(dims)-1])
}

func (k *kit) buffer(size int) *dnnl.Buffer {
	k.Helper()
	return must(k, func() (*dnnl.Buffer, error) { return dnnl.NewBuffer(size) })
}

func (k *kit) memory(d *dnnl.Desc) *dnnl.Memory {
	k.Helper()
	return must(k, func() (*dnnl.Memory, error) { return k.buffer(d.Size()).Memory(k.engine, d, 0) })
}

// unplaced is a memory to be bound by a chain.
func (k *kit) unplaced(d *dnnl.Desc) *dnnl.Memory {
	k.Helper()
	return must(k, func() (*dnnl.Memory, error) { return dnnl.NewMemory(k.engine, d, nil) })
}

// tensor is a memory in a buffer that holds the values.
func tensor[T dnnl.Element](k *kit, d *dnnl.Desc, values ...T) *dnnl.Memory {
	k.Helper()
	b := k.buffer(d.Size())
	if n := copy(dnnl.View[T](b), values); n != len(values) {
		k.Fatalf("%d values for %s", len(values), d)
	}
	return must(k, func() (*dnnl.Memory, error) { return b.Memory(k.engine, d, 0) })
}

// spec is any of the specs of primitives.
type spec interface {
	New(*dnnl.Engine) (*dnnl.Primitive, error)
}

func (k *kit) primitive(s spec) *dnnl.Primitive {
	k.Helper()
	return must(k, func() (*dnnl.Primitive, error) { return s.New(k.engine) })
}

// withScratchpad adds the scratchpad a primitive wants.
func (k *kit) withScratchpad(p *dnnl.Primitive, args []dnnl.ArgMem) []dnnl.ArgMem {
	k.Helper()
	if d := p.Desc(dnnl.ArgScratchpad); d.Size() > 0 {
		args = append(args, dnnl.ArgMem{Arg: dnnl.ArgScratchpad, Mem: k.memory(d)})
	}
	return args
}

// run executes a primitive and waits.
func (k *kit) run(p *dnnl.Primitive, args ...dnnl.ArgMem) {
	k.Helper()
	if err := p.Execute(k.stream, k.withScratchpad(p, args)...); err != nil {
		k.Fatal(err)
	}
	if err := k.stream.Wait(); err != nil {
		k.Fatal(err)
	}
}

// oneThread keeps the goroutine, until it ends, on an OS thread for which
// oneDNN uses no other.
func oneThread() {
	runtime.LockOSThread()
	dnnl.SetNumThreads(1)
}

// relu is the smallest primitive there is: max(x, 0) of n numbers.
func (k *kit) relu(n int) (*dnnl.Primitive, *dnnl.Desc) {
	k.Helper()
	d := k.f32(1, n)
	return k.primitive(dnnl.Eltwise{Alg: dnnl.EltwiseReLU, Src: d, Dst: d}), d
}
