package model

import (
	"strings"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"

	"github.com/google/go-cmp/cmp"
)

// TestCheck changes one thing in a good model at a time.
func TestCheck(t *testing.T) {
	const conv, relu = 2, 3 // operators of tiny's block 0, behind two feeds
	for _, c := range []struct {
		name   string
		change func(m *Model, b *Block)
		want   string
	}{
		{"good", func(*Model, *Block) {}, ""},
		{"no blocks", func(m *Model, _ *Block) { m.Program.Blocks = nil }, "at least one block"},
		{"nil program", func(m *Model, _ *Block) { m.Program = nil }, "at least one block"},
		{"nil block", func(m *Model, _ *Block) { m.Program.Blocks[1] = nil }, "block 1"},
		{"index -1", func(_ *Model, b *Block) { b.Index = -1 }, "block 0: malformed model: expected index 0"},
		{"index of another", func(m *Model, _ *Block) { m.Program.Blocks[1].Index = 0 }, "block 1"},
		{"block 0 has a parent", func(_ *Model, b *Block) { b.Parent = 0 }, "a parent before it"},
		{"block is its own parent", func(m *Model, _ *Block) { m.Program.Blocks[1].Parent = 1 }, "a parent before it"},
		{"parent out of range", func(m *Model, _ *Block) { m.Program.Blocks[1].Parent = 7 }, "a parent before it"},
		{"second root", func(m *Model, _ *Block) { m.Program.Blocks[1].Parent = -1 }, "a parent before it"},
		{"forward block out of range", func(_ *Model, b *Block) { b.ForwardBlock = 9 }, "forward block"},
		{"nil variable", func(_ *Model, b *Block) { b.Vars[0] = nil }, "variables with names"},
		{"variable twice", func(_ *Model, b *Block) { b.AddTensor("conv", FP32, 7) }, `variable "conv"`},
		{"nil op", func(_ *Model, b *Block) { b.Ops[conv] = nil }, "op 2"},
		{"op without type", func(_ *Model, b *Block) { b.Ops[conv].Type = "" }, "op 2"},
		{"input not declared", func(_ *Model, b *Block) { b.Ops[relu].Inputs[0].Args[0] = "gone" }, `op 3 "relu": malformed model: expected declared variables, seen "gone" in slot "X"`},
		{"output not declared", func(_ *Model, b *Block) { b.Ops[relu].Outputs[0].Args[0] = "gone" }, `"gone" in slot "Out"`},
		{"input of a sub-block not declared", func(m *Model, _ *Block) { m.Program.Blocks[1].Ops[0].Inputs[0].Args[0] = "gone" }, "block 1: op 0"},
		{"variable of a sub-block used outside", func(m *Model, b *Block) { b.Ops[relu].Inputs[0].Args[0] = m.Program.Blocks[1].AddTensor("inner", FP32) }, `"inner"`},
		{"absent optional variable", func(_ *Model, b *Block) { b.Ops[relu].Inputs[0].Args[0] = emptyVar }, ""},
		{"slot twice", func(_ *Model, b *Block) { b.Ops[conv].Inputs = append(b.Ops[conv].Inputs, Slots("Input", "conv")...) }, `slot "Input" twice`},
		{"attribute twice", func(_ *Model, b *Block) { b.Ops[conv].Attrs = append(b.Ops[conv].Attrs, IntAttr("groups", 1)) }, `attribute "groups" twice`},
		{"sub-block out of range", func(_ *Model, b *Block) { b.Ops[conv].SetAttr(Attr{"sub_block", AttrBlock, int32(2)}) }, "below 2 blocks"},
		{"sub-block -1", func(_ *Model, b *Block) { b.Ops[conv].SetAttr(Attr{"sub_block", AttrBlock, int32(-1)}) }, "seen -1"},
		{"one of several blocks out of range", func(_ *Model, b *Block) { b.Ops[conv].SetAttr(Attr{"blocks", AttrBlocks, []int32{1, 2}}) }, "seen 2"},
		{"two feeds of one column", func(_ *Model, b *Block) { b.Ops[0].SetAttr(IntAttr("col", 0)) }, `feed of "image": malformed model: expected a column of its own`},
		{"two fetches of one column", func(_ *Model, b *Block) { b.Ops[len(b.Ops)-1].SetAttr(IntAttr("col", 0)) }, `fetch of "ids"`},
		{"feed column -1", func(_ *Model, b *Block) { b.Ops[0].SetAttr(IntAttr("col", -1)) }, "from 0"},
		{"feed of nothing", func(_ *Model, b *Block) { b.Ops[0].Outputs = nil }, "feed op"},
		{"fetch of two", func(_ *Model, b *Block) { o := b.Ops[len(b.Ops)-1]; o.Inputs[0].Args = []string{"ids", "conv"} }, "fetch op"},
		{"feed of a parameter", func(_ *Model, b *Block) { b.Ops[0].Outputs[0].Args[0] = "lod" }, "seen a parameter"},
		{"missing parameter", func(m *Model, _ *Block) { delete(m.Params, "lod") }, `parameter "lod"`},
		{"nil parameter", func(m *Model, _ *Block) { m.Params["lod"] = nil }, `parameter "lod"`},
		{"parameter left over", func(m *Model, _ *Block) { m.Params["extra"] = m.Params["lod"] }, `parameter "extra"`},
		{"data shorter than dims", func(m *Model, _ *Block) { m.Params["lod"].Data = m.Params["lod"].Data[1:] }, "seen 11 bytes"},
		{"data longer than dims", func(m *Model, _ *Block) { m.Params["lod"].Dims = []int64{2} }, "seen 12 bytes"},
		{"dims overflow", func(m *Model, _ *Block) { m.Params["lod"].Dims = []int64{1 << 32, 1 << 32} }, `parameter "lod"`},
		{"negative dim", func(m *Model, _ *Block) { m.Params["lod"].Dims = []int64{-1, -3} }, `parameter "lod"`},
		{"element type of no tensor", func(m *Model, _ *Block) { m.Params["lod"].DType = 7 }, "dtype(7)"},
		{"65 LoD levels", func(m *Model, _ *Block) { m.Params["lod"].LoD = make([][]uint64, 65) }, "LoD levels"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := tiny(t)
			c.change(m, m.Program.Blocks[0])
			err := Check(m)
			if c.want == "" {
				if err != nil {
					t.Errorf("got %v, want none", err)
				}
				return
			}
			checkRejection(t, err, ErrFormat, c.want)
			if Fingerprint(m) != "" {
				t.Error("a model that Check refuses has a fingerprint")
			}
		})
	}
}

func TestCheckListsFaults(t *testing.T) {
	m := New()
	for range 50 {
		m.Program.Blocks[0].AddOp("relu", Slots("X", "gone"), nil)
	}
	if n := strings.Count(Check(m).Error(), "gone"); n != maxFaults {
		t.Errorf("%d faults are listed, want the first %d", n, maxFaults)
	}
}

// TestFeedsFetches: the file has the last feed first, the accessors give the
// caller's order.
func TestFeedsFetches(t *testing.T) {
	p := tiny(t).Program
	if diff := cmp.Diff([]string{"image", "label"}, p.Feeds()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"conv", "ids"}, p.Fetches()); diff != "" {
		t.Error(diff)
	}
	if got := p.Blocks[0].Ops[0].Out("Out")[0]; got != "label" {
		t.Errorf("the first operator feeds %s, want label", got)
	}
	legacy := mustLoad(t, refdata.Path(t, "paddle/fixtures/legacy/tiny_resnet_label/combined"))
	if got := len(legacy.Program.Fetches()); got != 3 {
		t.Errorf("tiny_resnet_label fetches %d, want loss, acc1, acc5", got)
	}
}

// TestClone changes everything that a clone could share with its original.
func TestClone(t *testing.T) {
	m := tiny(t)
	before := Fingerprint(m)
	c := m.Clone()
	if !c.Equal(m) || c.Params["lod"] != m.Params["lod"] {
		t.Fatal("the clone differs, or has tensors of its own")
	}
	delete(c.Params, "lod")
	for _, b := range c.Program.Blocks {
		for _, v := range b.Vars {
			for i := range v.Dims {
				v.Dims[i] = 99
			}
		}
		for _, o := range b.Ops {
			for _, s := range append(o.Inputs, o.Outputs...) {
				for i := range s.Args {
					s.Args[i] = "changed"
				}
			}
			for _, a := range o.Attrs {
				switch v := a.Value.(type) {
				case []int32:
					clear(v)
				case []string:
					clear(v)
				case []float32:
					clear(v)
				}
			}
		}
	}
	c.Program.OpVersions[0].Version = 99
	if got := Fingerprint(m); got != before {
		t.Error("changes of a clone show in the original")
	}
	if c.Equal(m) {
		t.Error("a changed clone is equal to the original")
	}
}

// TestFingerprintDiffers: what can change a result changes the fingerprint.
func TestFingerprintDiffers(t *testing.T) {
	seen := map[string]string{Fingerprint(tiny(t)): "the original"}
	for name, change := range map[string]func(*Model){
		"a weight":     func(m *Model) { m.Params["conv2.b"].Float32s()[0] = -1 },
		"dims":         func(m *Model) { m.Params["lod"].Dims = []int64{1, 3} },
		"LoD":          func(m *Model) { m.Params["lod"].LoD = nil },
		"an attribute": func(m *Model) { m.Program.Blocks[0].Ops[2].SetAttr(IntAttr("groups", 2)) },
		"a NaN's bits": func(m *Model) { m.Params["scope/conv.w_0"].Data[12]++ },
		"version":      func(m *Model) { m.Program.Version++ },
		"order of ops": func(m *Model) { o := m.Program.Blocks[0].Ops; o[2], o[3] = o[3], o[2] },
	} {
		m := tiny(t)
		change(m)
		f := Fingerprint(m)
		if other, ok := seen[f]; ok || f == "" {
			t.Errorf("%s changed: fingerprint %q is that of %s", name, f, other)
		}
		seen[f] = name
	}
}

// TestOutline changes what an outline sees and what it does not.
func TestOutline(t *testing.T) {
	whole := Outline(tiny(t))
	for _, test := range []struct {
		name   string
		change func(*Model)
		same   bool
	}{
		{"nothing", func(*Model) {}, true},
		{"a weight", func(m *Model) { m.Params["conv2.b"].Float32s()[0] = -1 }, true},
		{"dims", func(m *Model) { m.Params["lod"].Dims = []int64{1, 3} }, false},
		{"an attribute", func(m *Model) { m.Program.Blocks[0].Ops[2].SetAttr(IntAttr("groups", 2)) }, false},
	} {
		m := tiny(t)
		test.change(m)
		if got := Outline(m); got == "" || (got == whole) != test.same {
			t.Errorf("%s changed: outline %q after %q, want the same: %v", test.name, got, whole, test.same)
		}
	}
}

// TestOutlineReadsNoData asks for the outline of a network whose parameter is in
// a file.
func TestOutlineReadsNoData(t *testing.T) {
	m := tiny(t)
	want := Outline(m)
	b := m.Params["conv2.b"]
	m.Params["conv2.b"] = &Tensor{DType: b.DType, Dims: b.Dims, lazy: &lazy{size: len(b.Data), read: func([]byte) error {
		t.Error("the parameter was read")
		return nil
	}}}
	if got := Outline(m); got == "" || got != want {
		t.Errorf("outline %q with a lazy parameter, %q without", got, want)
	}
}
