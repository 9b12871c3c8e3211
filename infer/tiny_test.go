package infer

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/octet-dnn/octet/model"
)

// tinyNet builds a residual network of four convolutions for 16×16 pictures,
// with seeded weights.
func tinyNet(t testing.TB) *model.Model {
	t.Helper()
	b := &tinyBuilder{t: t, m: model.New(), rng: rand.New(rand.NewPCG(5, 6))}
	b.m.Name = "tiny"
	b.block = b.m.Program.Blocks[0]
	b.block.AddFeed("image", model.FP32, -1, 3, 16, 16)
	x := b.conv("image", "c1", 3, 16, 3, "relu")
	y := b.conv(x, "c2", 16, 16, 3, "relu")
	y = b.conv(y, "c3", 16, 16, 1, "")
	z := b.op("elementwise_add", "sum", map[string]string{"X": x, "Y": y}, "Out", model.IntAttr("axis", -1))
	z = b.op("relu", "sum.relu", map[string]string{"X": z}, "Out")
	z = b.conv(z, "c4", 16, 32, 3, "relu6")
	z = b.op("pool2d", "pool", map[string]string{"X": z}, "Out", model.StringAttr("pooling_type", "avg"),
		model.IntsAttr("ksize", 1, 1), model.BoolAttr("global_pooling", true))
	w := b.param("fc_w", 32, 10)
	z = b.op("mul", "fc", map[string]string{"X": z, "Y": w}, "Out")
	z = b.op("softmax", "prob", map[string]string{"X": z}, "Out")
	b.block.AddFetch(z)
	return b.m
}

type tinyBuilder struct {
	t     testing.TB
	m     *model.Model
	block *model.Block
	rng   *rand.Rand
}

func (b *tinyBuilder) param(name string, dims ...int64) string {
	n, fan := 1, 1
	for i, d := range dims {
		n *= int(d)
		if i > 0 {
			fan *= int(d)
		}
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(b.rng.NormFloat64() * math.Sqrt(2/float64(fan)))
	}
	p, err := model.Float32Tensor(x, dims...)
	if err != nil {
		b.t.Fatal(err)
	}
	b.m.AddParam(name, p)
	return name
}

func (b *tinyBuilder) op(kind, out string, in map[string]string, slot string, attrs ...model.Attr) string {
	b.block.AddTensor(out, model.FP32)
	o := b.block.AddOp(kind, nil, nil, attrs...)
	for _, s := range []string{"X", "Y", "Input", "Filter"} {
		if v, ok := in[s]; ok {
			o.Inputs = append(o.Inputs, model.Slot{Name: s, Args: []string{v}})
		}
	}
	o.Outputs = []model.Slot{{Name: slot, Args: []string{out}}}
	return out
}

func (b *tinyBuilder) conv(x, name string, in, out, kernel int64, act string) string {
	w := b.param(name+"_w", out, in, kernel, kernel)
	p := int32(kernel-1) / 2
	y := b.op("conv2d", name, map[string]string{"Input": x, "Filter": w}, "Output", model.IntsAttr("paddings", p, p))
	if act != "" {
		y = b.op(act, name+"."+act, map[string]string{"X": y}, "Out")
	}
	return y
}

// osThreads counts the threads of this process.
func osThreads(t *testing.T) int {
	d, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Skipf("SKIP-HARDWARE: no /proc: %v", err)
	}
	return len(d)
}
