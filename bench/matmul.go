package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/infer"
)

// A Matmul multiplies square matrices on several CPUs at once, each alone with
// one thread: the multiply-adds a second that oneDNN gets out of this machine
// at best, and so what a network can be compared with. It must be closed.
type Matmul struct {
	Size int // of the matrices: of the sizes tried, the fastest
	cpus []*multiplier
}

// matmulSizes are tried by NewMatmul. Smaller matrices are too small to keep
// the units busy, larger ones leave the caches.
var matmulSizes = []int{384, 512, 768, 1024, 1536}

// Each size is tried some times, in turn with the others: a virtual machine's
// CPUs are not equally fast from one moment to the next.
const (
	tries   = 3
	tryTime = 60 * time.Millisecond
)

// NewMatmul prepares multiplications in FP32, or of u8 by s8 into FP32, for
// that many CPUs, and finds the fastest size.
func NewMatmul(ctx context.Context, int8 bool, cpus int) (best *Matmul, err error) {
	var all []*Matmul
	defer func() {
		for _, m := range all {
			if m != best {
				err = errors.Join(err, m.Close())
			}
		}
	}()
	for _, n := range matmulSizes {
		m, err := newMatmul(n, int8, cpus)
		if err != nil {
			return nil, fmt.Errorf("bench: matmul of size %d: %w", n, err)
		}
		all = append(all, m)
	}
	var fastest float64
	var choice *Matmul
	for try := range tries + 1 {
		for _, m := range all {
			r, err := m.Window(ctx, tryTime)
			if err != nil {
				return nil, err
			}
			if try > 0 && r > fastest { // the first warms up
				choice, fastest = m, r
			}
		}
	}
	return choice, nil
}

func newMatmul(n int, int8 bool, cpus int) (*Matmul, error) {
	m := &Matmul{Size: n}
	for range cpus {
		c, err := newMultiplier(n, int8)
		if err != nil {
			return nil, errors.Join(err, m.Close())
		}
		m.cpus = append(m.cpus, c)
	}
	return m, nil
}

// Window multiplies for d and returns the multiply-adds a second of all CPUs
// together.
func (m *Matmul) Window(ctx context.Context, d time.Duration) (float64, error) {
	rates := make([]float64, len(m.cpus))
	errs := make([]error, len(m.cpus))
	var all sync.WaitGroup
	for i, c := range m.cpus {
		all.Go(func() { rates[i], errs[i] = c.run(ctx, d) })
	}
	all.Wait()
	var sum float64
	for _, r := range rates {
		sum += r * float64(m.Size) * float64(m.Size) * float64(m.Size)
	}
	return sum, errors.Join(errs...)
}

// MatmulRatio measures how many times faster oneDNN multiplies in INT8 than in
// FP32 on all CPUs, in windows that take turns: about what a network can gain
// from INT8 where its FP32 kernels are as good as oneDNN's best.
func MatmulRatio(ctx context.Context, windows int) (s Stat, err error) {
	var both [2]*Matmul
	for i := range both {
		if both[i], err = NewMatmul(ctx, i == 1, infer.CPULimit()); err != nil {
			return s, err
		}
		defer func() { err = errors.Join(err, both[i].Close()) }()
	}
	ratios := make([]float64, windows)
	for i := range ratios {
		fp32, err := both[0].Window(ctx, tryTime)
		if err != nil {
			return s, err
		}
		int8, err := both[1].Window(ctx, tryTime)
		if err != nil {
			return s, err
		}
		ratios[i] = int8 / fp32
	}
	return Spread(ratios), nil
}

// Close frees the matrices. A nil Matmul is closed already.
func (m *Matmul) Close() error {
	if m == nil {
		return nil
	}
	var errs []error
	for _, c := range m.cpus {
		errs = append(errs, c.Close())
	}
	m.cpus = nil
	return errors.Join(errs...)
}

// A multiplier is the share of one CPU.
type multiplier struct {
	stream *dnnl.Stream
	prim   *dnnl.Primitive
	args   []dnnl.ArgMem
	own    []interface{ Close() error }
}

func newMultiplier(n int, int8 bool) (*multiplier, error) {
	m := &multiplier{}
	if err := m.build(n, int8); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *multiplier) build(n int, int8 bool) error {
	defer oneThread()()
	e, err := dnnl.NewEngine()
	if err != nil {
		return err
	}
	m.own = append(m.own, e)
	if m.stream, err = dnnl.NewStream(e); err != nil {
		return err
	}
	m.own = append(m.own, m.stream)
	src, weights := dnnl.F32, dnnl.F32
	if int8 {
		src, weights = dnnl.U8, dnnl.S8
	}
	var descs [3]*dnnl.Desc
	for i, o := range []struct {
		dt  dnnl.DataType
		tag dnnl.Tag
	}{{src, dnnl.AB}, {weights, dnnl.Any}, {dnnl.F32, dnnl.AB}} {
		if descs[i], err = dnnl.NewDesc([]int{n, n}, o.dt, o.tag); err != nil {
			return err
		}
		m.own = append(m.own, descs[i])
	}
	if m.prim, err = (dnnl.MatMul{Src: descs[0], Weights: descs[1], Dst: descs[2]}).New(e); err != nil {
		return err
	}
	m.own = append(m.own, m.prim)
	for _, a := range []dnnl.Arg{dnnl.ArgSrc, dnnl.ArgWeights, dnnl.ArgDst, dnnl.ArgScratchpad} {
		if err := m.place(e, a); err != nil {
			return err
		}
	}
	return nil
}

// place gives an argument memory, which is zero.
func (m *multiplier) place(e *dnnl.Engine, a dnnl.Arg) error {
	d := m.prim.Desc(a)
	if d == nil || d.Size() == 0 {
		return nil
	}
	buf, err := dnnl.NewBuffer(d.Size())
	if err != nil {
		return err
	}
	m.own = append(m.own, buf)
	mem, err := buf.Memory(e, d, 0)
	if err != nil {
		return err
	}
	m.own = append(m.own, mem)
	m.args = append(m.args, dnnl.ArgMem{Arg: a, Mem: mem})
	return nil
}

// run multiplies for d and returns how often in a second.
func (m *multiplier) run(ctx context.Context, d time.Duration) (float64, error) {
	defer oneThread()()
	start, n := time.Now(), 0
	for n == 0 || time.Since(start) < d {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := m.prim.Execute(m.stream, m.args...); err != nil {
			return 0, err
		}
		n++
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

// Close frees everything, the last first.
func (m *multiplier) Close() error {
	var errs []error
	for _, o := range slices.Backward(m.own) {
		errs = append(errs, o.Close())
	}
	m.own = nil
	return errors.Join(errs...)
}

// oneThread keeps the goroutine on an OS thread that uses no other for oneDNN,
// until the function returned is called.
func oneThread() (leave func()) {
	runtime.LockOSThread()
	dnnl.SetNumThreads(1)
	return runtime.UnlockOSThread
}
