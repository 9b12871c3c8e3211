package model

import (
	"bytes"
	"math"
	"testing"
)

// tiny builds a small model of every kind of thing that files hold: both tensor
// and endpoint variables, a sub-block, all attribute types, LoD, element types,
// names with scopes, odd float values.
func tiny(t testing.TB) *Model {
	t.Helper()
	m := New()
	m.Program.Version = 1008005
	m.Program.OpVersions = []OpVersion{{"conv2d", 1}, {"relu", 0}}
	b := m.Program.Blocks[0]
	x := b.AddFeed("image", FP32, -1, 2, 3, 3)
	b.AddFeed("label", Int64, -1, 1)
	w := m.AddParam("scope/conv.w_0", floats(t, []float32{1, -2, 0.5, float32(math.NaN())}, 2, 2, 1, 1))
	m.AddParam("conv10.b", floats(t, []float32{float32(math.Copysign(0, -1)), float32(math.Inf(1))}, 2))
	m.AddParam("conv2.b", floats(t, []float32{math.SmallestNonzeroFloat32}))
	m.AddParam("Empty", &Tensor{DType: Int8, Dims: []int64{0, 3}})
	lod := floats(t, []float32{1, 2, 3}, 3, 1)
	lod.LoD = [][]uint64{{0, 2, 3}, {0, 1, 2, 3}}
	m.AddParam("lod", lod)
	b.AddTensor("conv", FP32, -1, 2, 3, 3)
	b.AddTensor("ids", Int64, -1)
	b.Var("ids").LoDLevel = 1
	b.Vars = append(b.Vars, &Var{Name: "scopes", Type: VarStepScopes}, &Var{Name: "rows", Type: VarSelectedRows, DType: FP32, Dims: []int64{4, 2}},
		&Var{Name: "list", Type: VarTensorArray, DType: FP32, Dims: []int64{-1}})
	b.AddOp("conv2d", Slots("Input", x, "Filter", w, "Bias"), Slots("Output", "conv"), allAttrs()...)
	b.AddOp("relu", Slots("X", "conv"), Slots("Out", "conv"), BoolAttr("use_mkldnn", false))
	sub := m.Program.AddBlock(0)
	sub.AddOp("relu", Slots("X", "conv"), Slots("Out", "conv"))
	b.AddFetch("conv")
	b.AddFetch("ids")
	return m
}

// allAttrs has an attribute of each type.
func allAttrs() []Attr {
	return []Attr{
		IntsAttr("strides", 1, 1), IntsAttr("none"), IntAttr("groups", -3), FloatAttr("nan", float32(math.NaN())), StringAttr("s", "a\x00b"),
		FloatsAttr("fs", 0.1, 1e38), StringsAttr("ss", "", "x"), BoolAttr("b", true), {"bs", AttrBools, []bool{true, false}},
		{"sub_block", AttrBlock, int32(1)}, LongAttr("l", math.MinInt64), {"blocks", AttrBlocks, []int32{0, 1}},
		LongsAttr("ls", 1, -1), {"f64s", AttrFloat64s, []float64{0.1}}, {"var", AttrVar, "conv"}, {"vars", AttrVars, []string{"conv", "ids"}},
		{"f64", AttrFloat64, math.Pi}, {"scalar", AttrScalar, Scalar{Type: ScalarLong, Long: 7}},
		{"scalars", AttrScalars, []Scalar{{Type: ScalarBool, Bool: true}, {Type: ScalarFloat64, Float64: 2}, {Type: ScalarComplex128, Complex128: 1 + 2i}}},
		StringsAttr(callstackAttr, "File \"net.py\", line 1"),
	}
}

func floats(t testing.TB, x []float32, dims ...int64) *Tensor {
	t.Helper()
	f, err := Float32Tensor(x, dims...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// encoded returns the program and the combined parameters of m as files hold them.
func encoded(t testing.TB, m *Model) (program, params []byte) {
	t.Helper()
	program, err := encoder{}.program(m.Program)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	for _, name := range m.Program.ParamNames() {
		if err := WriteTensor(&buf, m.Params[name]); err != nil {
			t.Fatal(err)
		}
	}
	return program, buf.Bytes()
}
