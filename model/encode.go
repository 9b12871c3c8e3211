package model

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/octet-dnn/octet/model/internal/pb"
)

// explicitLoDLevel is the bit of Var.Wire.Explicit for lod_level, which sits
// two messages deep in the file and so has no number of its own.
const explicitLoDLevel = 1 << 31

// An encoder turns a Program into wire form.
type encoder struct {
	// canonical leaves out Wire.Explicit, so that programs which mean the same
	// encode the same.
	canonical bool
	// dropCallstack leaves out the attribute op_callstack, the Python traces
	// that are most of the size of programs saved by Paddle.
	dropCallstack bool
}

const callstackAttr = "op_callstack"

// program encodes p. The fields come in the order of their numbers, as Paddle's
// own writer puts them, unknown ones last.
func (e encoder) program(p *Program) ([]byte, error) {
	x := &pb.Program{}
	for _, b := range p.Blocks {
		y, err := e.block(b)
		if err != nil {
			return nil, err
		}
		x.Blocks = append(x.Blocks, y)
	}
	if p.Version != 0 || e.explicit(p.Wire, 4) {
		x.Version = &pb.Version{Version: &p.Version}
	}
	if len(p.OpVersions) > 0 || e.explicit(p.Wire, 5) {
		x.OpVersions = &pb.OpVersions{}
	}
	for i := range p.OpVersions {
		v := &p.OpVersions[i]
		x.OpVersions.Pairs = append(x.OpVersions.Pairs, &pb.OpVersions_Pair{
			Op: &v.Op, Version: &pb.OpVersions_OpVersion{Version: &v.Version},
		})
	}
	if err := addRest(x, p.Wire); err != nil {
		return nil, err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(x)
}

func (e encoder) explicit(w Wire, field int) bool {
	return !e.canonical && w.Explicit>>field&1 != 0
}

// addRest puts the fields that this package does not model back into m.
func addRest(m proto.Message, w Wire) error {
	if len(w.Rest) == 0 {
		return nil
	}
	return proto.UnmarshalOptions{Merge: true, AllowPartial: true, RecursionLimit: 64}.Unmarshal(w.Rest, m)
}

func (e encoder) block(b *Block) (*pb.Block, error) {
	x := &pb.Block{Index: &b.Index, Parent: &b.Parent}
	for _, v := range b.Vars {
		y, err := e.variable(v)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", quote(v.Name), err)
		}
		x.Vars = append(x.Vars, y)
	}
	for i, o := range b.Ops {
		y, err := e.op(o)
		if err != nil {
			return nil, fmt.Errorf("op %d %s: %w", i, quote(o.Type), err)
		}
		x.Ops = append(x.Ops, y)
	}
	if b.ForwardBlock != -1 || e.explicit(b.Wire, 5) {
		x.ForwardBlock = &b.ForwardBlock
	}
	return x, addRest(x, b.Wire)
}

func (e encoder) variable(v *Var) (*pb.Var, error) {
	x := &pb.Var{
		Name: &v.Name, Type: e.varType(v),
		Persistable: e.flag(&v.Persistable, v.Wire, 3), NeedCheckFeed: e.flag(&v.NeedCheckFeed, v.Wire, 4),
		IsParameter: e.flag(&v.IsParameter, v.Wire, 5), StopGradient: e.flag(&v.StopGradient, v.Wire, 6),
	}
	return x, addRest(x, v.Wire)
}

// varType writes the description that belongs to the kind of v.
func (e encoder) varType(v *Var) *pb.VarType {
	x := &pb.VarType{Kind: proto.Int32(int32(v.Type))}
	desc := &pb.TensorDesc{DataType: proto.Int32(int32(v.DType)), Dims: v.Dims}
	lod := &pb.LoDTensorDesc{Tensor: desc}
	if v.LoDLevel != 0 || e.explicit(v.Wire, 31) {
		lod.LodLevel = &v.LoDLevel
	}
	switch v.Type {
	case VarLoDTensor:
		x.LodTensor = lod
	case VarTensorArray:
		x.TensorArray = lod
	case VarSelectedRows:
		x.SelectedRows = desc
	}
	return x
}

// flag returns what to write for an optional boolean that defaults to false.
func (e encoder) flag(b *bool, w Wire, field int) *bool {
	if *b || e.explicit(w, field) {
		return b
	}
	return nil
}

func (e encoder) op(o *Op) (*pb.Op, error) {
	x := &pb.Op{
		Type: &o.Type, Inputs: slotMessages(o.Inputs), Outputs: slotMessages(o.Outputs),
		IsTarget: e.flag(&o.IsTarget, o.Wire, 5),
	}
	for i := range o.Attrs {
		if e.dropCallstack && o.Attrs[i].Name == callstackAttr {
			continue
		}
		a, err := attrMessage(&o.Attrs[i])
		if err != nil {
			return nil, err
		}
		x.Attrs = append(x.Attrs, a)
	}
	return x, addRest(x, o.Wire)
}

func slotMessages(slots []Slot) []*pb.Op_Slot {
	var out []*pb.Op_Slot
	for i := range slots {
		out = append(out, &pb.Op_Slot{Parameter: &slots[i].Name, Arguments: slots[i].Args})
	}
	return out
}
