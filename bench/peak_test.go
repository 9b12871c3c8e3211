package bench

import (
	"runtime"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

// BenchmarkPeak multiplies square matrices on one thread, in FP32 and in INT8:
// the multiply-adds a second that oneDNN gets out of a core at best, and so the
// most that INT8 can be faster where FP32 is as good as the machine. With
// ONEDNN_MAX_CPU_ISA=AVX512_CORE it shows that limit without VNNI.
func BenchmarkPeak(b *testing.B) {
	for _, c := range []struct {
		name     string
		src, wei dnnl.DataType
	}{{"fp32", dnnl.F32, dnnl.F32}, {"int8", dnnl.U8, dnnl.S8}} {
		b.Run("prec="+c.name+"/isa="+dnnl.EffectiveCPUISA().String(), func(b *testing.B) { peak(b, c.src, c.wei) })
	}
}

func peak(b *testing.B, src, wei dnnl.DataType) {
	const n = 1024
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dnnl.SetNumThreads(1)
	e, err := dnnl.NewEngine()
	check(b, err)
	defer e.Close()
	s, err := dnnl.NewStream(e)
	check(b, err)
	defer s.Close()
	x, err := dnnl.NewDesc([]int{n, n}, src, dnnl.AB)
	check(b, err)
	w, err := dnnl.NewDesc([]int{n, n}, wei, dnnl.Any)
	check(b, err)
	y, err := dnnl.NewDesc([]int{n, n}, dnnl.F32, dnnl.AB)
	check(b, err)
	p, err := dnnl.MatMul{Src: x, Weights: w, Dst: y}.New(e)
	check(b, err)
	defer p.Close()
	var args []dnnl.ArgMem
	for _, a := range []dnnl.Arg{dnnl.ArgSrc, dnnl.ArgWeights, dnnl.ArgDst, dnnl.ArgScratchpad} {
		d := p.Desc(a)
		if d.Size() == 0 {
			continue
		}
		buf, err := dnnl.NewBuffer(d.Size())
		check(b, err)
		defer buf.Close()
		m, err := buf.Memory(e, d, 0)
		check(b, err)
		defer m.Close()
		args = append(args, dnnl.ArgMem{Arg: a, Mem: m})
	}
	for b.Loop() {
		check(b, p.Execute(s, args...))
	}
	b.ReportMetric(float64(n*n*n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
