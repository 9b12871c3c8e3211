//go:build ignore

// Make writes the files of this folder: small models in each form, and the
// seeds of the fuzz targets. Run it here, with "go run make.go". The files are
// goldens: a change in them is a change of what Octet writes, to be explained.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"

	"github.com/octet-dnn/octet/model"
)

func main() {
	log.SetFlags(0)
	m := convNet()
	for _, out := range []struct {
		path string
		form model.Form
	}{
		{"separate", model.FormSeparate}, {"combined", model.FormCombined}, {"pair/net", model.FormPdModel}, {"pir/net", model.FormPIR},
	} {
		check(model.Save(m, out.path, model.WithForm(out.form), model.WithOverwrite()))
	}
	for name, p := range programs() {
		seed("FuzzProgram", name, encode(&model.Model{Program: p}))
	}
	seed("FuzzProgram", "conv_net", encode(m))
	pir, err := os.ReadFile("pir/net.json")
	check(err)
	seed("FuzzPIR", "conv_net", pir)
	for name, t := range tensors() {
		var buf bytes.Buffer
		check(model.WriteTensor(&buf, t))
		seed("FuzzTensor", name, buf.Bytes())
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// seed writes one entry of a fuzz corpus in the form of the go command.
func seed(target, name string, data []byte) {
	dir := filepath.Join("fuzz", target)
	check(os.MkdirAll(dir, 0o777))
	text := fmt.Sprintf("go test fuzz v1\n[]byte(%s)\n", strconv.Quote(string(data)))
	check(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666))
}

// encode returns the program file of m.
func encode(m *model.Model) []byte {
	dir, err := os.MkdirTemp("", "seed")
	check(err)
	defer os.RemoveAll(dir)
	check(model.Save(m, filepath.Join(dir, "m")))
	b, err := os.ReadFile(filepath.Join(dir, "m", "__model__"))
	check(err)
	return b
}

// convNet is a convolution with bias and relu, its weights a ramp.
func convNet() *model.Model {
	m := model.New()
	b := m.Program.Blocks[0]
	x := b.AddFeed("image", model.FP32, -1, 3, 8, 8)
	w := m.AddParam("conv2d_0.w_0", ramp(4, 3, 3, 3))
	bias := m.AddParam("conv2d_0.b_0", ramp(4))
	for _, name := range []string{"conv", "sum", "out"} {
		b.AddTensor(name, model.FP32, -1, 4, 8, 8)
	}
	b.AddOp("conv2d", model.Slots("Input", x, "Filter", w), model.Slots("Output", "conv"),
		model.IntsAttr("strides", 1, 1), model.IntsAttr("paddings", 1, 1), model.IntsAttr("dilations", 1, 1),
		model.IntAttr("groups", 1))
	b.AddOp("elementwise_add", model.Slots("X", "conv", "Y", bias), model.Slots("Out", "sum"), model.IntAttr("axis", 1))
	b.AddOp("relu", model.Slots("X", "sum"), model.Slots("Out", "out"))
	b.AddFetch("out")
	return m
}

func ramp(dims ...int64) *model.Tensor {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i)/float32(n) - 0.5
	}
	t, err := model.Float32Tensor(x, dims...)
	check(err)
	return t
}

// programs has one program an attribute type, and one with a sub-block.
func programs() map[string]*model.Program {
	out := map[string]*model.Program{"empty": model.NewProgram()}
	for name, a := range map[string]model.Attr{
		"int": model.IntAttr("a", -1), "float": model.FloatAttr("a", 0.5), "string": model.StringAttr("a", "s"),
		"ints": model.IntsAttr("a", 1, -1), "floats": model.FloatsAttr("a", 1, 2), "strings": model.StringsAttr("a", "s", ""),
		"bool": model.BoolAttr("a", true), "bools": {Name: "a", Type: model.AttrBools, Value: []bool{true}},
		"block": {Name: "a", Type: model.AttrBlock, Value: int32(0)}, "long": model.LongAttr("a", 1<<40),
		"blocks": {Name: "a", Type: model.AttrBlocks, Value: []int32{0}}, "longs": model.LongsAttr("a", -1),
		"float64s": {Name: "a", Type: model.AttrFloat64s, Value: []float64{0.5}}, "var": {Name: "a", Type: model.AttrVar, Value: "v"},
		"vars": {Name: "a", Type: model.AttrVars, Value: []string{"v"}}, "float64": {Name: "a", Type: model.AttrFloat64, Value: 0.5},
		"scalar":  {Name: "a", Type: model.AttrScalar, Value: model.Scalar{Type: model.ScalarLong, Long: 1}},
		"scalars": {Name: "a", Type: model.AttrScalars, Value: []model.Scalar{{Type: model.ScalarComplex128, Complex128: 1i}}},
	} {
		p := model.NewProgram()
		p.Blocks[0].AddOp("relu", nil, nil, a)
		out["attr_"+name] = p
	}
	p := model.NewProgram()
	p.Blocks[0].AddTensor("x", model.FP32, -1)
	p.AddBlock(0).AddOp("relu", model.Slots("X", "x"), model.Slots("Out", "x"))
	out["sub_block"] = p
	return out
}

// tensors has one small tensor an element type, and the special shapes.
func tensors() map[string]*model.Tensor {
	out := map[string]*model.Tensor{
		"scalar": ramp(), "none": {DType: model.FP32, Dims: []int64{0}},
		"lod": {DType: model.Int8, Dims: []int64{3}, LoD: [][]uint64{{0, 1, 3}}, Data: []byte{1, 2, 3}},
	}
	for _, d := range []model.DType{
		model.Bool, model.Int16, model.Int32, model.Int64, model.FP16, model.FP32, model.FP64, model.UInt8, model.Int8, model.BF16,
	} {
		out[d.String()] = &model.Tensor{DType: d, Dims: []int64{2}, Data: make([]byte, 2*d.Size())}
	}
	return out
}
