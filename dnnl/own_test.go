//go:build cgo

package dnnl_test

import (
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
)

// everything makes one object of every kind.
func everything(k *kit) map[string]io.Closer {
	p, d := k.relu(4)
	buf := k.buffer(d.Size())
	m := must(k, func() (*dnnl.Memory, error) { return buf.Memory(k.engine, d, 0) })
	c := must(k, func() (*dnnl.Chain, error) {
		return dnnl.NewChain([]dnnl.Step{{Primitive: p, Args: []dnnl.ArgMem{{dnnl.ArgSrc, m}, {dnnl.ArgDst, m}}}}, nil)
	})
	return map[string]io.Closer{
		"engine": k.engine, "stream": k.stream, "desc": d, "buffer": buf, "memory": m, "primitive": p, "chain": c,
	}
}

func TestCloseTwiceAndInAnyOrder(t *testing.T) {
	before := dnnl.Live()
	for i := range 8 { // the order of a map differs from time to time
		t.Run("", func(t *testing.T) {
			k := open(t)
			for name, o := range everything(k) {
				for range 2 {
					if err := o.Close(); err != nil {
						t.Errorf("round %d: closing the %s: %v", i, name, err)
					}
				}
			}
			if got := dnnl.Live(); got != before {
				t.Errorf("round %d: %d alive with everything closed, want %d", i, got, before)
			}
		})
	}
}

func TestClosedObjectsSayWhichOneIsClosed(t *testing.T) {
	k := open(t)
	p, d := k.relu(4)
	m := k.memory(d)
	args := []dnnl.ArgMem{{Arg: dnnl.ArgSrc, Mem: m}, {Arg: dnnl.ArgDst, Mem: m}}
	buf := k.buffer(16)
	steps := []dnnl.Step{{Primitive: p, Args: args}}
	c := must(k, func() (*dnnl.Chain, error) { return dnnl.NewChain(steps, nil) })

	c.Close()
	expect(t, "run a closed chain", c.Run(k.stream, nil), dnnl.ErrClosed)
	buf.Close()
	_, err := buf.Memory(k.engine, d, 0)
	expect(t, "memory in a closed buffer", err, dnnl.ErrClosed)
	if buf.Bytes() != nil || buf.At(0) != nil || dnnl.View[float32](buf) != nil {
		t.Error("a closed buffer still shows its memory")
	}
	m.Close()
	expect(t, "execute with a closed memory", p.Execute(k.stream, args...), dnnl.ErrClosed)
	_, err = dnnl.NewChain(steps, nil)
	expect(t, "chain with a closed memory", err, dnnl.ErrClosed)
	d.Close()
	_, err = dnnl.NewMemory(k.engine, d, nil)
	expect(t, "memory of a closed desc", err, dnnl.ErrClosed)
	_, err = dnnl.Eltwise{Alg: dnnl.EltwiseReLU, Src: d, Dst: d}.New(k.engine)
	expect(t, "primitive of a closed desc", err, dnnl.ErrClosed)
	src := p.Desc(dnnl.ArgSrc)
	p.Close()
	expect(t, "execute a closed primitive", p.Execute(k.stream, args...), dnnl.ErrClosed)
	_, err = src.Clone()
	expect(t, "clone a desc of a closed primitive", err, dnnl.ErrClosed)
	if got := p.Desc(dnnl.ArgDst).Size(); got != 0 {
		t.Errorf("a closed primitive describes an argument of %d bytes", got)
	}
	k.stream.Close()
	expect(t, "wait for a closed stream", k.stream.Wait(), dnnl.ErrClosed)
	k.engine.Close()
	_, err = dnnl.NewStream(k.engine)
	expect(t, "stream of a closed engine", err, dnnl.ErrClosed)
	expect(t, "zero primitive", new(dnnl.Primitive).Execute(new(dnnl.Stream)), dnnl.ErrClosed)
	_, err = dnnl.NewStream(nil)
	expect(t, "stream of no engine", err, dnnl.ErrInvalidArguments)
}

func expect(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

// A chain keeps what it runs, even if all of it is closed before.
func TestChainOutlivesItsParts(t *testing.T) {
	k := open(t)
	p, d := k.relu(4)
	in, out := k.unplaced(d), k.unplaced(d)
	c := must(k, func() (*dnnl.Chain, error) {
		return dnnl.NewChain([]dnnl.Step{{Primitive: p, Args: []dnnl.ArgMem{{dnnl.ArgSrc, in}, {dnnl.ArgDst, out}}}},
			dnnl.InOrder(in, out))
	})
	for _, o := range []io.Closer{p, d, in, out, k.engine} {
		o.Close()
	}
	src, dst := []float32{-1, 2, -3, 4}, make([]float32, 4)
	if err := c.Run(k.stream, pointers(src, dst)); err != nil {
		t.Fatal(err)
	}
	same(t, dst, []float32{0, 2, 0, 4})
}

func pointers(slices ...[]float32) []unsafe.Pointer {
	ptrs := make([]unsafe.Pointer, len(slices))
	for i, s := range slices {
		ptrs[i] = unsafe.Pointer(&s[0])
	}
	return ptrs
}

// What is never closed is freed when the collector finds it.
func TestForgottenObjectsAreFreed(t *testing.T) {
	before := dnnl.Live()
	func() {
		e, err := dnnl.NewEngine()
		if err != nil {
			t.Fatal(err)
		}
		d, err := dnnl.NewDesc([]int{1, 4}, dnnl.F32, dnnl.NC)
		if err != nil {
			t.Fatal(err)
		}
		p, err := dnnl.Eltwise{Alg: dnnl.EltwiseReLU, Src: d, Dst: d}.New(e)
		if err != nil {
			t.Fatal(err)
		}
		b, err := dnnl.NewBuffer(d.Size())
		if err != nil {
			t.Fatal(err)
		}
		m, err := b.Memory(e, p.Desc(dnnl.ArgSrc), 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = dnnl.NewChain([]dnnl.Step{{Primitive: p, Args: []dnnl.ArgMem{{dnnl.ArgSrc, m}, {dnnl.ArgDst, m}}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}()
	const patience = 10 * time.Second // cleanups run in the background, after each collection
	for end := time.Now().Add(patience); dnnl.Live() != before; {
		if time.Now().After(end) {
			t.Fatalf("%d objects alive, %d at the start", dnnl.Live(), before)
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

// Closing while others execute must neither crash nor leak; the race detector
// looks on. Every execution either works or says that something is closed.
func TestCloseDuringExecute(t *testing.T) {
	k := open(t)
	const workers, rounds = 8, 20
	for range rounds {
		p, d := k.relu(64)
		var all sync.WaitGroup
		started := make(chan struct{}, workers)
		for range workers {
			s := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStream(k.engine) })
			src, dst := k.memory(d), k.memory(d)
			all.Go(func() {
				oneThread()
				started <- struct{}{}
				for {
					err := p.Execute(s, dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: src}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: dst})
					if errors.Is(err, dnnl.ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					if p.Desc(dnnl.ArgSrc).Size() != d.Size() && p.Desc(dnnl.ArgDst).Size() != 0 {
						t.Error("descriptor of a closing primitive is neither itself nor empty")
					}
				}
			})
		}
		<-started
		all.Go(func() { p.Close() })
		p.Close()
		all.Wait()
	}
}
