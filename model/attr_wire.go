package model

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/octet-dnn/octet/model/internal/pb"
)

// attrValue returns the value of the field that a's type names. An absent
// field is the protobuf default, as Paddle reads it.
func attrValue(a *pb.Op_Attr) (any, *FormatError) {
	switch AttrType(a.GetType()) {
	case AttrInt:
		return a.GetI(), nil
	case AttrFloat:
		return a.GetF(), nil
	case AttrString:
		return a.GetS(), nil
	case AttrInts:
		return a.GetInts(), nil
	case AttrFloats:
		return a.GetFloats(), nil
	case AttrStrings:
		return a.GetStrings(), nil
	case AttrBool:
		return a.GetB(), nil
	case AttrBools:
		return a.GetBools(), nil
	case AttrBlock:
		return a.GetBlockIdx(), nil
	case AttrLong:
		return a.GetL(), nil
	case AttrBlocks:
		return a.GetBlocksIdx(), nil
	case AttrLongs:
		return a.GetLongs(), nil
	case AttrFloat64s:
		return a.GetFloat64S(), nil
	case AttrVar:
		return a.GetVarName(), nil
	case AttrVars:
		return a.GetVarsName(), nil
	case AttrFloat64:
		return a.GetFloat64(), nil
	case AttrScalar:
		return scalarValue(a.GetScalar()), nil
	case AttrScalars:
		out := make([]Scalar, len(a.GetScalars()))
		for i, s := range a.GetScalars() {
			out[i] = scalarValue(s)
		}
		return out, nil
	}
	return nil, &FormatError{
		Offset: -1, Kind: ErrUnsupported,
		Expected: fmt.Sprintf("an attribute type from 0 to %d", AttrScalars), Seen: fmt.Sprint(a.GetType()),
	}
}

func scalarValue(s *pb.Scalar) Scalar {
	return Scalar{
		Type: ScalarType(s.GetType()), Bool: s.GetB(), Long: s.GetI(), Float64: s.GetR(),
		Complex128: complex(s.GetC().GetR(), s.GetC().GetI()),
	}
}

// attrMessage is the inverse of attrValue. It fails where Value does not have
// the Go type that Type asks for, which only a program built in Go can have.
func attrMessage(a *Attr) (*pb.Op_Attr, error) {
	x := &pb.Op_Attr{Name: &a.Name, Type: proto.Int32(int32(a.Type))}
	var ok bool
	switch a.Type {
	case AttrInt:
		ok = set(&x.I, a.Value)
	case AttrFloat:
		ok = set(&x.F, a.Value)
	case AttrString:
		ok = set(&x.S, a.Value)
	case AttrInts:
		x.Ints, ok = a.Value.([]int32)
	case AttrFloats:
		x.Floats, ok = a.Value.([]float32)
	case AttrStrings:
		x.Strings, ok = a.Value.([]string)
	case AttrBool:
		ok = set(&x.B, a.Value)
	case AttrBools:
		x.Bools, ok = a.Value.([]bool)
	case AttrBlock:
		ok = set(&x.BlockIdx, a.Value)
	case AttrLong:
		ok = set(&x.L, a.Value)
	case AttrBlocks:
		x.BlocksIdx, ok = a.Value.([]int32)
	case AttrLongs:
		x.Longs, ok = a.Value.([]int64)
	case AttrFloat64s:
		x.Float64S, ok = a.Value.([]float64)
	case AttrVar:
		ok = set(&x.VarName, a.Value)
	case AttrVars:
		x.VarsName, ok = a.Value.([]string)
	case AttrFloat64:
		ok = set(&x.Float64, a.Value)
	case AttrScalar:
		var s Scalar
		s, ok = a.Value.(Scalar)
		x.Scalar = scalarMessage(s)
	case AttrScalars:
		var list []Scalar
		list, ok = a.Value.([]Scalar)
		for _, s := range list {
			x.Scalars = append(x.Scalars, scalarMessage(s))
		}
	}
	if !ok {
		return nil, malformed("attribute "+quote(a.Name), "", fmt.Sprintf("type %d with a value of %T", a.Type, a.Value))
	}
	return x, nil
}

// set stores v in an optional field, if it has the field's type.
func set[T any](field **T, v any) bool {
	t, ok := v.(T)
	*field = &t
	return ok
}

// scalarMessage writes the one field that the scalar's type names.
func scalarMessage(s Scalar) *pb.Scalar {
	x := &pb.Scalar{Type: proto.Int32(int32(s.Type))}
	switch s.Type {
	case ScalarBool:
		x.B = &s.Bool
	case ScalarLong:
		x.I = &s.Long
	case ScalarFloat64:
		x.R = &s.Float64
	case ScalarComplex128:
		x.C = &pb.Scalar_Complex{R: proto.Float64(real(s.Complex128)), I: proto.Float64(imag(s.Complex128))}
	}
	return x
}
