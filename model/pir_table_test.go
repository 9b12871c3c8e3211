package model

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// paddleOps is testdata/pir_ops/ops.json: what Paddle says of the operators.
type paddleOps struct {
	PIR map[string]struct {
		In, Out []string
		Attrs   [][2]string // type in C++, name
	} `json:"pir"`
	Classical map[string]struct {
		In, Out []string
		Attrs   map[string][2]any // type, default
	} `json:"classical"`
}

// unlisted are operators that the builds for CPUs do not describe.
var unlisted = map[string]bool{"sync_batch_norm_": true, "sync_batch_norm": true, "share_data": true}

// TestRowsAreAsPaddleSays compares every row with both Paddles: number of
// operands and results, order, kind and name of the attributes in PIR; slots,
// attributes, their types and defaults in the classical form.
func TestRowsAreAsPaddleSays(t *testing.T) {
	data, err := os.ReadFile("testdata/pir_ops/ops.json")
	if err != nil {
		t.Fatal(err)
	}
	var paddle paddleOps
	if err := json.Unmarshal(data, &paddle); err != nil {
		t.Fatal(err)
	}
	for name, row := range pirRows {
		t.Run(name, func(t *testing.T) {
			if p, ok := paddle.PIR[name]; ok {
				var attrs [][2]string
				for _, a := range row.attrs {
					attrs = append(attrs, [2]string{cType(a), a.name})
				}
				if diff := cmp.Diff(p.Attrs, attrs, cmp.Transformer("empty", func(a [][2]string) [][2]string { return append([][2]string{}, a...) })); diff != "" {
					t.Errorf("attributes in PIR (-Paddle +row):\n%s", diff)
				}
				if len(p.In) != len(row.in) || len(p.Out) != len(row.out) {
					t.Errorf("%d operands and %d results, Paddle has %v -> %v", len(row.in), len(row.out), p.In, p.Out)
				}
			} else if !unlisted[name] {
				t.Error("ops.json does not have it: run ops.py")
			}
			c, ok := paddle.Classical[row.op]
			if !ok {
				if !unlisted[row.op] {
					t.Errorf("ops.json does not have the classical %s: run ops.py", row.op)
				}
				return
			}
			for _, in := range row.in {
				if in.slot != "" && !slices.Contains(c.In, in.slot) {
					t.Errorf("slot %s: Paddle has %v", in.slot, c.In)
				}
				if in.attr != "" {
					checkClassicalAttr(t, c.Attrs, in.attr, in.typ, in.def, false)
				}
			}
			for _, res := range row.out {
				if res.slot != "" && !slices.Contains(c.Out, res.slot) {
					t.Errorf("output %s: Paddle has %v", res.slot, c.Out)
				}
			}
			for _, a := range row.attrs {
				if a.attr != "" {
					checkClassicalAttr(t, c.Attrs, a.attr, a.typ, a.def, a.rare || a.always)
				}
			}
		})
	}
}

// cType is the type in C++ that Paddle declares for a kind of attribute.
func cType(a pirAttr) string {
	plain := map[pirKind]string{
		pirBool: "bool", pirI32: "int", pirI64: "int64_t", pirF32: "float", pirF64: "double", pirStr: "string",
		pirDType: "phi::DataType", pirPlace: "phi::Place",
	}
	if a.kind == pirArray {
		return "vector<" + plain[a.elem] + ">"
	}
	return plain[a.kind]
}

// lateDefaults are attributes whose default differs for a reason.
var lateDefaults = map[string]bool{
	"interp_method": true, // both operators say bilinear; the row says what its operator does
	"out_dtype":     true, // -1 is no cast
	"axis":          true, // required by norm, arg_max and transpose2
}

// checkClassicalAttr compares an attribute with what Paddle 2.6 declares. One
// that is late need not be there.
func checkClassicalAttr(t *testing.T, paddle map[string][2]any, name string, typ AttrType, def any, late bool) {
	t.Helper()
	types := map[AttrType]string{
		AttrInt: "INT", AttrLong: "LONG", AttrFloat: "FLOAT", AttrBool: "BOOLEAN", AttrString: "STRING", AttrInts: "INTS", AttrFloats: "FLOATS",
	}
	p, ok := paddle[name]
	switch {
	case !ok && late:
		return
	case !ok:
		t.Errorf("attribute %s: Paddle does not have it", name)
		return
	case p[0] != types[typ]:
		t.Errorf("attribute %s: %s, Paddle has %v", name, types[typ], p[0])
	}
	if p[1] == nil || lateDefaults[name] || late {
		return
	}
	var x any
	if b, err := json.Marshal(widen(def)); err != nil || json.Unmarshal(b, &x) != nil || !reflect.DeepEqual(x, p[1]) {
		t.Errorf("attribute %s: default %v, Paddle has %v", name, x, p[1])
	}
}

// widen spells single precision as Python does, in double precision.
func widen(v any) any {
	switch v := v.(type) {
	case float32:
		return float64(v)
	case []float32:
		out := make([]float64, len(v))
		for i, x := range v {
			out[i] = float64(x)
		}
		return out
	}
	return v
}

// TestEveryRowComesBack writes an operator by each row and reads it again: with
// all operands and attributes that are no defaults, and with as little as it
// may have.
func TestEveryRowComesBack(t *testing.T) {
	for name, row := range pirRows {
		for variant, full := range map[string]bool{"full": true, "bare": false} {
			t.Run(name+"/"+variant, func(t *testing.T) {
				m := New()
				b := m.Program.Blocks[0]
				o := sample(b, row, full)
				if classicalRow(o) != row {
					t.Skipf("%s is written as %s", row.op, classicalRow(o).name)
				}
				p, _, err := decodePIR(mustEncodePIR(t, m.Program), defaultLimits(t))
				if err != nil {
					t.Fatal(err)
				}
				if err := Check(&Model{Program: p}); err != nil {
					t.Error(err)
				}
				back := last(p.Blocks[0].Ops)
				if back.Type != o.Type {
					t.Fatalf("comes back as %s", back.Type)
				}
				for _, slots := range [][2][]Slot{{o.Inputs, back.Inputs}, {o.Outputs, back.Outputs}} {
					if diff := cmp.Diff(slots[0], slots[1]); diff != "" {
						t.Errorf("slots (-was +is):\n%s", diff)
					}
				}
				for _, a := range o.Attrs {
					if got := back.Attr(a.Name); got == nil || !reflect.DeepEqual(*got, a) {
						t.Errorf("attribute %+v comes back as %+v", a, got)
					}
				}
			})
		}
	}
}

func last(ops []*Op) *Op { return ops[len(ops)-1] }

// sample appends an operator that row describes, over inputs that it feeds.
func sample(b *Block, row *pirOp, full bool) *Op {
	var in, out []Slot
	var attrs []Attr
	for _, as := range row.in {
		var args []string
		switch {
		case as.kind == operandList && (full || as.def != absentList):
			args = []string{as.slot + "0", as.slot + "1"}
		case as.kind == operandOne, as.kind == operandOptional && full:
			args = []string{as.slot}
		case as.attr != "" && full:
			attrs = append(attrs, Attr{as.attr, as.typ, unusual(as.typ, as.def)})
		}
		for _, arg := range args {
			b.AddFeed(arg, FP32, 2, 3)
		}
		if len(args) > 0 {
			in = append(in, Slot{as.slot, args})
		}
	}
	for i, as := range row.out {
		switch {
		case as.slot == "" || i > 0 && !full:
		case as.over != "":
			out = append(out, Slot{as.slot, []string{as.over}})
		case as.many:
			out = append(out, Slot{as.slot, []string{b.AddTensor("part0", FP32, 1, 3), b.AddTensor("part1", FP32, 1, 3)}})
		default:
			out = append(out, Slot{as.slot, []string{b.AddTensor("out"+as.slot, FP32, 2, 3)}})
		}
	}
	for _, as := range row.attrs {
		switch {
		case !full || as.attr == "" || as.always:
		case as.kind == pirDType:
			attrs = append(attrs, IntAttr(as.attr, int32(UInt8)))
		default:
			attrs = append(attrs, Attr{as.attr, as.typ, unusual(as.typ, as.def)})
		}
	}
	return b.AddOp(row.op, in, out, attrs...)
}

// unusual is a value that is not def.
func unusual(t AttrType, def any) any {
	switch t {
	case AttrBool:
		return !def.(bool)
	case AttrInt:
		return def.(int32) + 3
	case AttrLong:
		return def.(int64) - 3
	case AttrFloat:
		return def.(float32) + 0.1
	case AttrString:
		return def.(string) + "é\n"
	case AttrInts:
		return []int32{-7, 1 << 30}
	case AttrFloats:
		return []float32{0.1, -3e38}
	}
	return nil
}
