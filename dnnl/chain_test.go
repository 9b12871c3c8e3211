//go:build cgo

package dnnl_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
)

// doubling is a chain of n steps, each of which doubles; the first reads, and
// the last writes, bound memory.
func doubling(k *kit, n, width int) *dnnl.Chain {
	k.Helper()
	d := k.f32(1, width)
	p := k.primitive(dnnl.Eltwise{Alg: dnnl.EltwiseLinear, Src: d, Dst: d, Alpha: 2})
	in, out := k.unplaced(d), k.unplaced(d)
	src := in
	var steps []dnnl.Step
	for i := range n {
		dst := out
		if i < n-1 {
			dst = k.memory(d)
		}
		steps = append(steps, dnnl.Step{Primitive: p, Args: []dnnl.ArgMem{{Arg: dnnl.ArgSrc, Mem: src}, {Arg: dnnl.ArgDst, Mem: dst}}})
		src = dst
	}
	return must(k, func() (*dnnl.Chain, error) { return dnnl.NewChain(steps, dnnl.InOrder(in, out)) })
}

func same(t testing.TB, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v: differ at %d", got, want, i)
		}
	}
}

func TestChainRunsOnGoAndOnCMemory(t *testing.T) {
	k := open(t)
	c := doubling(k, 5, 3)
	if c.Len() != 5 {
		t.Errorf("Len is %d, want 5", c.Len())
	}
	want := []float32{32, -64, 96}

	src, dst := []float32{1, -2, 3}, make([]float32, 3)
	if err := c.Run(k.stream, pointers(src, dst)); err != nil {
		t.Fatal(err)
	}
	same(t, dst, want)

	from, to := k.buffer(12), k.buffer(64)
	copy(dnnl.View[float32](from), src)
	if err := c.Run(k.stream, []unsafe.Pointer{from.At(0), to.At(16)}); err != nil {
		t.Fatal(err)
	}
	same(t, dnnl.View[float32](to)[4:7], want)
}

// The images of a batch may be bound one by one.
func TestChainPlacesSeveralBehindOnePointer(t *testing.T) {
	k := open(t)
	d := k.f32(1, 2)
	p := k.primitive(dnnl.Eltwise{Alg: dnnl.EltwiseLinear, Src: d, Dst: d, Alpha: 2})
	var steps []dnnl.Step
	var bound []dnnl.Bound
	for i := range 3 {
		in, out := k.unplaced(d), k.unplaced(d)
		steps = append(steps, dnnl.Step{Primitive: p, Args: []dnnl.ArgMem{{Arg: dnnl.ArgSrc, Mem: in}, {Arg: dnnl.ArgDst, Mem: out}}})
		bound = append(bound, dnnl.Bound{Mem: in, Pointer: 1, Offset: 8 * i}, dnnl.Bound{Mem: out, Offset: 8 * (2 - i)})
	}
	c := must(k, func() (*dnnl.Chain, error) { return dnnl.NewChain(steps, bound) })
	src, dst := []float32{1, 2, 3, 4, 5, 6}, make([]float32, 6)
	if err := c.Run(k.stream, pointers(dst, src)); err != nil {
		t.Fatal(err)
	}
	same(t, dst, []float32{10, 12, 6, 8, 2, 4})
}

// Go memory that itself holds Go pointers elsewhere must not trip the checks
// of cgo: only the tensor's own bytes are C's business. The slice of pointers
// is longer in its array than it is given.
func TestChainTakesInteriorPointers(t *testing.T) {
	k := open(t)
	c := doubling(k, 1, 2)
	type batch struct {
		name *string
		data [4]float32
		next *batch
	}
	b := &batch{name: new(string), data: [4]float32{1, 2}, next: new(batch)}
	ptrs := []unsafe.Pointer{unsafe.Pointer(b), unsafe.Pointer(&b.data[0]), unsafe.Pointer(&b.data[2]), unsafe.Pointer(b.next)}
	if err := c.Run(k.stream, ptrs[1:3]); err != nil {
		t.Fatal(err)
	}
	same(t, b.data[:], []float32{1, 2, 2, 4})
}

func TestChainRunDoesNotAllocate(t *testing.T) {
	k := open(t)
	c := doubling(k, 20, 8)
	src, dst := make([]float32, 8), make([]float32, 8)
	ptrs := pointers(src, dst)
	ns := make([]int64, c.Len())
	run := func() {
		if err := c.Run(k.stream, ptrs); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(200, run); n != 0 {
		t.Errorf("Run allocates %g times", n)
	}
	timed := func() {
		if err := c.RunTimed(k.stream, ptrs, ns); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(200, timed); n != 0 {
		t.Errorf("RunTimed allocates %g times", n)
	}
	for i, v := range ns {
		if v <= 0 {
			t.Errorf("step %d took %d ns", i, v)
		}
	}
}

func TestExecuteDoesNotAllocate(t *testing.T) {
	k := open(t)
	p, d := k.relu(8)
	src, dst := dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: k.memory(d)}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: k.memory(d)}
	execute := func() {
		if err := p.Execute(k.stream, src, dst); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(200, execute); n != 0 {
		t.Errorf("Execute allocates %g times", n)
	}
}

func TestChainRefuses(t *testing.T) {
	k := open(t)
	p, d := k.relu(4)
	m, free := k.memory(d), k.unplaced(d)
	arg := func(a dnnl.Arg, m *dnnl.Memory) dnnl.ArgMem { return dnnl.ArgMem{Arg: a, Mem: m} }
	good := dnnl.Step{Primitive: p, Args: []dnnl.ArgMem{arg(dnnl.ArgSrc, m), arg(dnnl.ArgDst, m)}}
	create := []struct {
		name  string
		step  dnnl.Step
		bound []dnnl.Bound
		say   string
	}{
		{"no primitive", dnnl.Step{}, nil, "step 1: "},
		{"missing argument", dnnl.Step{Primitive: p, Args: good.Args[:1]}, nil, "step 1: eltwise: invalid arguments: no dst"},
		{"memory not bound", dnnl.Step{Primitive: p, Args: []dnnl.ArgMem{arg(dnnl.ArgSrc, free), arg(dnnl.ArgDst, m)}}, nil,
			"src (f32 1x4 ab) has no place"},
		{"nil among the bound", good, dnnl.InOrder(nil), "bound memory 0"},
		{"negative offset", good, []dnnl.Bound{{Mem: free, Offset: -4}}, "bound memory 0 lies -4 bytes after pointer 0"},
	}
	for _, tt := range create {
		t.Run(tt.name, func(t *testing.T) {
			alive := dnnl.Live()
			_, err := dnnl.NewChain([]dnnl.Step{good, tt.step}, tt.bound)
			expect(t, "NewChain", err, dnnl.ErrInvalidArguments)
			if err != nil && !strings.Contains(err.Error(), tt.say) {
				t.Errorf("%q does not say %q", err, tt.say)
			}
			if got := dnnl.Live(); got != alive {
				t.Errorf("%d objects alive, %d before", got, alive)
			}
		})
	}

	c := doubling(k, 2, 4)
	src, dst := make([]float32, 4), make([]float32, 4)
	for name, ptrs := range map[string][]unsafe.Pointer{
		"none": nil, "too few": pointers(src), "nil": {unsafe.Pointer(&src[0]), nil},
	} {
		expect(t, name+" of the pointers", c.Run(k.stream, ptrs), dnnl.ErrInvalidArguments)
	}
	expect(t, "times too few", c.RunTimed(k.stream, pointers(src, dst), make([]int64, 1)), dnnl.ErrInvalidArguments)
	expect(t, "no times", c.RunTimed(k.stream, pointers(src, dst), nil), dnnl.ErrInvalidArguments)
	expect(t, "no stream", c.Run(nil, pointers(src, dst)), dnnl.ErrInvalidArguments)
	if err := c.Run(k.stream, pointers(src, dst)); err != nil {
		t.Errorf("after the errors: %v", err)
	}
}

// A primitive does not run on the stream of another engine, which oneDNN sees
// only at execution: the error names the step.
func TestChainNamesTheStepThatFails(t *testing.T) {
	k := open(t)
	foreign := &kit{TB: t}
	foreign.engine = must(k, dnnl.NewEngine)
	mine, d := k.relu(4)
	other := foreign.primitive(dnnl.Eltwise{Alg: dnnl.EltwiseTanh, Src: d, Dst: d})
	m := k.memory(d)
	args := []dnnl.ArgMem{{Arg: dnnl.ArgSrc, Mem: m}, {Arg: dnnl.ArgDst, Mem: m}}
	c := must(k, func() (*dnnl.Chain, error) {
		return dnnl.NewChain([]dnnl.Step{{Primitive: mine, Args: args}, {Primitive: other, Args: args}}, nil)
	})
	for name, err := range map[string]error{
		"Run": c.Run(k.stream, nil), "RunTimed": c.RunTimed(k.stream, nil, make([]int64, 2)),
	} {
		expect(t, name, err, dnnl.ErrInvalidArguments)
		const want = "chain.run: invalid arguments: step 1: eltwise tanh alpha 0 beta 0, src f32 1x4 ab"
		if err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %q, want %q ...", name, err, want)
		}
	}
}

// One primitive, many goroutines, each with a chain and memories of its own.
func TestChainsShareAPrimitive(t *testing.T) {
	k := open(t)
	const workers, runs, width = 6, 50, 1000
	d := k.f32(1, width)
	p := k.primitive(dnnl.Eltwise{Alg: dnnl.EltwiseLinear, Src: d, Dst: d, Alpha: 1, Beta: 1})
	var all sync.WaitGroup
	for w := range workers {
		s := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStream(k.engine) })
		in, out := k.unplaced(d), k.unplaced(d)
		c := must(k, func() (*dnnl.Chain, error) {
			return dnnl.NewChain([]dnnl.Step{{Primitive: p, Args: []dnnl.ArgMem{{Arg: dnnl.ArgSrc, Mem: in}, {Arg: dnnl.ArgDst, Mem: out}}}},
				dnnl.InOrder(in, out))
		})
		all.Go(func() {
			oneThread()
			src, dst := make([]float32, width), make([]float32, width)
			for r := range runs {
				src[0], src[width-1] = float32(w), float32(r)
				if err := c.Run(s, pointers(src, dst)); err != nil {
					t.Error(err)
					return
				}
				if dst[0] != float32(w+1) || dst[width-1] != float32(r+1) {
					t.Errorf("worker %d run %d: got %g and %g", w, r, dst[0], dst[width-1])
					return
				}
			}
		})
	}
	all.Wait()
}

// A second Run of a running chain is refused, not mixed up with the first, and
// Close waits its turn.
func TestChainRunsOnce(t *testing.T) {
	k := open(t)
	const width = 1 << 16
	c := doubling(k, 30, width)
	var all sync.WaitGroup
	for range 4 {
		s := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStream(k.engine) })
		all.Go(func() {
			oneThread()
			src, dst := make([]float32, width), make([]float32, width)
			src[width-1] = 1
			for range 20 {
				switch err := c.Run(s, pointers(src, dst)); {
				case err == nil:
					if dst[width-1] != 1<<30 {
						t.Errorf("got %g, want 2^30", dst[width-1])
					}
				case strings.Contains(err.Error(), "running already") || strings.Contains(err.Error(), "closed"):
				default:
					t.Error(err)
				}
			}
			c.Close()
		})
	}
	all.Wait()
}

func TestEmptyChain(t *testing.T) {
	k := open(t)
	c := must(k, func() (*dnnl.Chain, error) { return dnnl.NewChain(nil, nil) })
	if err := c.Run(k.stream, nil); err != nil {
		t.Error(err)
	}
}

func BenchmarkChainRun(b *testing.B) {
	k := open(b)
	oneThread()
	defer runtime.UnlockOSThread()
	c := doubling(k, 50, 8)
	src, dst := make([]float32, 8), make([]float32, 8)
	ptrs := pointers(src, dst)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Run(k.stream, ptrs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.Len()), "ns/step")
}

func BenchmarkExecute(b *testing.B) {
	k := open(b)
	oneThread()
	defer runtime.UnlockOSThread()
	p, d := k.relu(8)
	src, dst := dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: k.memory(d)}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: k.memory(d)}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Execute(k.stream, src, dst); err != nil {
			b.Fatal(err)
		}
	}
}
