package model

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/octet-dnn/octet/model/internal/pb"
)

// decodeProgram reads a ProgramDesc. Variables and operators go through the
// generated messages one at a time: those are ten times the size of what this
// package keeps, and a program of them all would be the peak of a load.
func decodeProgram(data []byte, lim Limits) (*Program, error) {
	if err := newScanner(lim, len(data)).message(data, 0, programType); err != nil {
		return nil, err
	}
	d := decoder{lim: lim, names: make(map[string]string)}
	p := &Program{}
	var version pb.Version
	var versions pb.OpVersions
	err := eachField(data, 0, func(f rawField) error {
		switch f.num {
		case 1:
			b, err := d.block(f.value, f.at+int64(len(f.raw)-len(f.value)))
			p.Blocks = append(p.Blocks, b)
			return err
		case 4:
			p.Wire.Explicit |= 1 << 4
			return unmarshal(f.value, &version)
		case 5:
			p.Wire.Explicit |= 1 << 5
			return unmarshal(f.value, &versions)
		}
		p.Wire.Rest = append(p.Wire.Rest, f.raw...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.Version = version.GetVersion()
	for _, pair := range versions.GetPairs() {
		p.OpVersions = append(p.OpVersions, OpVersion{Op: pair.GetOp(), Version: pair.GetVersion().GetVersion()})
	}
	if len(p.Blocks) == 0 {
		return nil, malformed("program", "at least one block", "none")
	}
	return p, nil
}

// A rawField is one field of a message whose wire form the scanner accepted.
type rawField struct {
	num   protowire.Number
	value []byte // the content of a length-delimited field
	word  uint64 // the value of a varint field
	raw   []byte // tag and value
	at    int64  // offset of raw in the file
}

// eachField calls f for each field of the message b, which starts at offset base.
func eachField(b []byte, base int64, f func(rawField) error) error {
	for pos := 0; pos < len(b); {
		num, typ, n := protowire.ConsumeTag(b[pos:])
		size := protowire.ConsumeFieldValue(num, typ, b[pos+max(n, 0):])
		if n < 0 || size < 0 {
			return malformed("message", "protobuf fields", "broken wire form")
		}
		field := rawField{num: num, raw: b[pos : pos+n+size], at: base + int64(pos)}
		switch typ {
		case protowire.BytesType:
			field.value, _ = protowire.ConsumeBytes(b[pos+n:])
		case protowire.VarintType:
			field.word, _ = protowire.ConsumeVarint(b[pos+n:])
		}
		if err := f(field); err != nil {
			return at(err, field.at)
		}
		pos += n + size
	}
	return nil
}

// at gives a FormatError that has no offset yet the one of its element.
func at(err error, offset int64) error {
	var fe *FormatError
	if errors.As(err, &fe) && fe.Offset < 0 {
		fe.Offset = offset
	}
	return err
}

// unmarshal adds b to m. The recursion limit is a second line behind the scanner.
func unmarshal(b []byte, m proto.Message) error {
	opts := proto.UnmarshalOptions{Merge: true, RecursionLimit: 64}
	if err := opts.Unmarshal(b, m); err != nil {
		e := malformed("", "", "")
		e.Err = err
		return e
	}
	return nil
}

type decoder struct {
	lim   Limits
	names map[string]string
}

// maxInterned bounds the table of names: a few hundred serve real programs.
const maxInterned = 4096

// intern makes equal slot, attribute and op names one string.
func (d *decoder) intern(s string) string {
	if t, ok := d.names[s]; ok {
		return t
	}
	if len(d.names) < maxInterned {
		d.names[s] = s
	}
	return s
}

// block decodes a BlockDesc whose content starts at offset base.
func (d *decoder) block(data []byte, base int64) (*Block, error) {
	b := &Block{ForwardBlock: -1}
	return b, eachField(data, base, func(f rawField) error {
		switch f.num {
		case 1:
			b.Index = int32(f.word)
		case 2:
			b.Parent = int32(f.word)
		case 3:
			v, err := d.variable(f.value)
			b.Vars = append(b.Vars, v)
			return err
		case 4:
			o, err := d.op(f.value)
			b.Ops = append(b.Ops, o)
			return err
		case 5:
			b.ForwardBlock = int32(f.word)
			b.Wire.Explicit |= 1 << 5
		default:
			b.Wire.Rest = append(b.Wire.Rest, f.raw...)
		}
		return nil
	})
}

// variable decodes a VarDesc. What a Var does not model stays behind in the
// message, which then becomes Wire.Rest.
func (d *decoder) variable(data []byte) (*Var, error) {
	var x pb.Var
	if err := unmarshal(data, &x); err != nil {
		return nil, err
	}
	v := &Var{
		Name: x.GetName(), Type: VarType(x.GetType().GetKind()), Persistable: x.GetPersistable(),
		NeedCheckFeed: x.GetNeedCheckFeed(), IsParameter: x.GetIsParameter(), StopGradient: x.GetStopGradient(),
	}
	for i, set := range []*bool{x.Persistable, x.NeedCheckFeed, x.IsParameter, x.StopGradient} {
		if set != nil {
			v.Wire.Explicit |= 1 << (3 + i)
		}
	}
	if v.Name == "" {
		return nil, malformed("variable", "a name", "an empty one")
	}
	if err := d.describe(v, x.Type); err != nil {
		return nil, err
	}
	x.Name, x.Persistable, x.NeedCheckFeed, x.IsParameter, x.StopGradient = nil, nil, nil, nil, nil
	if x.Type.Kind = nil; proto.Size(x.Type) == 0 {
		x.Type = nil
	}
	return v, keepRest(&x, &v.Wire)
}

// describe takes the tensor description of v out of t.
func (d *decoder) describe(v *Var, t *pb.VarType) error {
	var lod **pb.LoDTensorDesc
	var desc *pb.TensorDesc
	switch v.Type {
	case VarLoDTensor:
		lod = &t.LodTensor
	case VarTensorArray:
		lod = &t.TensorArray
	case VarSelectedRows:
		desc, t.SelectedRows = t.SelectedRows, nil
	default:
		return nil
	}
	if lod != nil && *lod != nil {
		desc = (*lod).Tensor
		v.LoDLevel = (*lod).GetLodLevel()
		if (*lod).LodLevel != nil {
			v.Wire.Explicit |= explicitLoDLevel
		}
		*lod = nil
	}
	subject := "variable " + quote(v.Name)
	if desc == nil {
		return malformed(subject, "a tensor description", "none")
	}
	if len(desc.GetDims()) > d.lim.Rank {
		return tooLarge(subject, "Rank", int64(d.lim.Rank), fmt.Sprintf("%d dims", len(desc.GetDims())))
	}
	v.DType, v.Dims = DType(desc.GetDataType()), desc.GetDims()
	return nil
}

// keepRest stores what is left of m in w.
func keepRest(m proto.Message, w *Wire) error {
	if proto.Size(m) == 0 {
		return nil
	}
	rest, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(m)
	w.Rest = rest
	return err
}

func (d *decoder) op(data []byte) (*Op, error) {
	var x pb.Op
	if err := unmarshal(data, &x); err != nil {
		return nil, err
	}
	o := &Op{
		Type: d.intern(x.GetType()), Inputs: d.slots(x.GetInputs()), Outputs: d.slots(x.GetOutputs()),
		IsTarget: x.GetIsTarget(),
	}
	if o.Type == "" {
		return nil, malformed("operator", "a type", "an empty one")
	}
	if x.IsTarget != nil {
		o.Wire.Explicit |= 1 << 5
	}
	if n := len(x.GetAttrs()); n > 0 {
		o.Attrs = make([]Attr, n)
	}
	for i, a := range x.GetAttrs() {
		value, err := attrValue(a)
		if err != nil {
			err.Subject = fmt.Sprintf("op %s: attribute %s", quote(o.Type), quote(a.GetName()))
			return nil, err
		}
		o.Attrs[i] = Attr{Name: d.intern(a.GetName()), Type: AttrType(a.GetType()), Value: value}
	}
	o.Wire.Rest = append(o.Wire.Rest, x.ProtoReflect().GetUnknown()...)
	return o, nil
}

func (d *decoder) slots(in []*pb.Op_Slot) []Slot {
	if len(in) == 0 {
		return nil
	}
	out := make([]Slot, len(in))
	for i, s := range in {
		out[i] = Slot{Name: d.intern(s.GetParameter()), Args: s.GetArguments()}
	}
	return out
}
