package model

import (
	"fmt"
	"math/bits"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/octet-dnn/octet/model/internal/pb"
)

// scanner walks protobuf bytes before anything is decoded. The decoder would
// survive hostile bytes, but it says neither where they are wrong nor how much
// memory they are about to take: two bytes can ask for a message of hundreds.
// The scanner knows both, allocates nothing, and refuses
//
//   - broken wire form, groups, a known field of the wrong wire type, a
//     required field that is missing, all with the byte offset;
//   - more blocks, operators, variables or longer names than the limits;
//   - content that would take more than maxDecoded bytes once decoded.
//
// It walks by the descriptors of package pb, so that the .proto stays the only
// place that knows field numbers. Unknown fields are skipped unread, which
// makes nesting deeper than the schema's own six levels impossible.
type scanner struct {
	lim     Limits
	blocks  int
	ops     int
	vars    int
	fields  int
	decoded uint64 // estimate of the memory that the model package's types take
	// element is the estimate for the pb message of the current Op or Var.
	// They are decoded one at a time, so only the largest counts.
	element, largest uint64
	maxDecoded       uint64
}

// decodedRoom is what a program may take in memory beyond its file size: with
// the file itself that keeps loading below twice the file size and 64 MiB.
const decodedRoom = 48 << 20

// maxFields bounds the time that a file of nothing but tiny unknown fields can
// take; a program of 100 000 operators has a third of it.
const maxFields = 16 << 20

func newScanner(lim Limits, size int) *scanner {
	return &scanner{lim: lim, maxDecoded: uint64(size) + decodedRoom}
}

var (
	programType = (&pb.Program{}).ProtoReflect().Descriptor()
	blockType   = (&pb.Block{}).ProtoReflect().Descriptor()
	varType     = (&pb.Var{}).ProtoReflect().Descriptor()
	opType      = (&pb.Op{}).ProtoReflect().Descriptor()
	tensorType  = (&pb.TensorDesc{}).ProtoReflect().Descriptor()
)

// messageCost is what one message takes as a Go value of this package, and as
// a pb message on the way there.
var messageCost = map[protoreflect.FullName]struct{ own, pb uint64 }{
	"octet.paddle.Block":           {own: uint64(unsafe.Sizeof(Block{})) + 8},
	"octet.paddle.Var":             {uint64(unsafe.Sizeof(Var{})) + 8, uint64(unsafe.Sizeof(pb.Var{}))},
	"octet.paddle.VarType":         {0, uint64(unsafe.Sizeof(pb.VarType{}))},
	"octet.paddle.Op":              {uint64(unsafe.Sizeof(Op{})) + 8, uint64(unsafe.Sizeof(pb.Op{}))},
	"octet.paddle.Op.Slot":         {uint64(unsafe.Sizeof(Slot{})), uint64(unsafe.Sizeof(pb.Op_Slot{})) + 16},
	"octet.paddle.Op.Attr":         {uint64(unsafe.Sizeof(Attr{})) + 24, uint64(unsafe.Sizeof(pb.Op_Attr{})) + 16},
	"octet.paddle.Scalar":          {uint64(unsafe.Sizeof(Scalar{})), uint64(unsafe.Sizeof(pb.Scalar{})) + 16},
	"octet.paddle.OpVersions.Pair": {uint64(unsafe.Sizeof(OpVersion{})), 256},
}

// message scans b, a message of type md that starts at offset base of the file.
func (s *scanner) message(b []byte, base int64, md protoreflect.MessageDescriptor) error {
	if err := s.enter(md, base); err != nil {
		return err
	}
	var seen uint64 // bit n: field n occurred; Paddle's numbers stay below 22
	fields := md.Fields()
	for pos := 0; pos < len(b); {
		at := base + int64(pos)
		num, typ, n := protowire.ConsumeTag(b[pos:])
		if n < 0 {
			return s.broken(md, at, n)
		}
		if num > protowire.MaxValidNumber { // ConsumeTag lets some of them pass
			return wireFault(md, at, "", fmt.Sprintf("field numbers to %d", protowire.MaxValidNumber), fmt.Sprint(num))
		}
		pos += n
		if s.fields++; s.fields > maxFields {
			return &FormatError{Offset: at, Kind: ErrTooLarge, Seen: fmt.Sprintf("more than %d fields", maxFields)}
		}
		if typ == protowire.StartGroupType || typ == protowire.EndGroupType {
			return wireFault(md, at, "", "a field", fmt.Sprintf("group %d: no Paddle file has groups", num))
		}
		fd := fields.ByNumber(num)
		var body []byte
		if typ == protowire.BytesType {
			if body, n = protowire.ConsumeBytes(b[pos:]); n < 0 {
				return s.overrun(md, at, b[pos:], n)
			}
		} else if n = protowire.ConsumeFieldValue(num, typ, b[pos:]); n < 0 {
			return s.broken(md, at, n)
		}
		if fd != nil {
			seen |= 1 << uint(num)
			if err := s.field(fd, typ, body, base+int64(pos+n-len(body)), at); err != nil {
				return err
			}
		}
		pos += n
	}
	return s.leave(md, base, seen)
}

// field checks the value of a known field; body is the content of a
// length-delimited one and starts at offset base.
func (s *scanner) field(fd protoreflect.FieldDescriptor, typ protowire.Type, body []byte, base, at int64) error {
	want := wireTypes[fd.Kind()]
	switch {
	case typ == want && fd.Kind() == protoreflect.MessageKind:
		return s.message(body, base, fd.Message())
	case typ == want && typ == protowire.BytesType:
		return s.text(fd, body, at)
	case typ == want:
		if fd.IsList() {
			return s.spend(16, at)
		}
		return nil
	case typ == protowire.BytesType && fd.IsList():
		return s.packed(fd, body, base)
	}
	return wireFault(fd.ContainingMessage(), at, string(fd.Name()),
		fmt.Sprintf("wire type %d", want), fmt.Sprintf("wire type %d", typ))
}

var wireTypes = map[protoreflect.Kind]protowire.Type{
	protoreflect.BoolKind: protowire.VarintType, protoreflect.Int32Kind: protowire.VarintType,
	protoreflect.Int64Kind: protowire.VarintType, protoreflect.FloatKind: protowire.Fixed32Type,
	protoreflect.DoubleKind: protowire.Fixed64Type, protoreflect.StringKind: protowire.BytesType,
	protoreflect.BytesKind: protowire.BytesType, protoreflect.MessageKind: protowire.BytesType,
}

// packed checks a packed list of numbers and counts its elements.
func (s *scanner) packed(fd protoreflect.FieldDescriptor, body []byte, base int64) error {
	size := map[protowire.Type]int{protowire.Fixed32Type: 4, protowire.Fixed64Type: 8}[wireTypes[fd.Kind()]]
	elems := 0
	switch {
	case size == 0: // each varint ends with the one byte below 0x80
		for _, c := range body {
			elems += int(^c >> 7)
		}
		if len(body) > 0 && body[len(body)-1] >= 0x80 {
			size = 1
		}
	case len(body)%size == 0:
		elems, size = len(body)/size, 0
	}
	if size != 0 {
		return wireFault(fd.ContainingMessage(), base, string(fd.Name()),
			"a packed list of whole elements", fmt.Sprintf("%d bytes with a partial one", len(body)))
	}
	return s.spend(16*uint64(elems), base)
}

// text accounts for a string or bytes field and bounds the length of names.
func (s *scanner) text(fd protoreflect.FieldDescriptor, body []byte, at int64) error {
	switch fd.Name() {
	case "name", "type", "parameter", "arguments", "op":
		if len(body) > s.lim.NameBytes {
			err := tooLarge(string(fd.FullName()), "NameBytes", int64(s.lim.NameBytes), fmt.Sprintf("%d bytes", len(body)))
			err.Offset = at
			return err
		}
	}
	return s.spend(16+uint64(len(body)), at)
}

// enter counts a message against the limits.
func (s *scanner) enter(md protoreflect.MessageDescriptor, at int64) error {
	var count *int
	most, limit := 0, ""
	switch md {
	case blockType:
		count, most, limit = &s.blocks, s.lim.Blocks, "Blocks"
	case opType:
		count, most, limit = &s.ops, s.lim.Ops, "Ops"
	case varType:
		count, most, limit = &s.vars, s.lim.Vars, "Vars"
	}
	if count != nil {
		s.element = 0
		if *count++; *count > most {
			err := tooLarge("program", limit, int64(most), "more")
			err.Offset = at
			return err
		}
	}
	cost := messageCost[md.FullName()]
	s.element += cost.pb
	s.largest = max(s.largest, s.element)
	return s.spend(cost.own, at)
}

// spend adds to the estimate of the decoded size.
func (s *scanner) spend(n uint64, at int64) error {
	s.decoded += n
	if s.decoded+s.largest > s.maxDecoded {
		return &FormatError{
			Offset: at, Kind: ErrTooLarge, Expected: fmt.Sprintf("a program of at most %d bytes in memory", s.maxDecoded),
			Seen: "many tiny fields that take more",
		}
	}
	return nil
}

// leave checks that the required fields of md were there.
func (s *scanner) leave(md protoreflect.MessageDescriptor, base int64, seen uint64) error {
	missing := requiredBits(md) &^ seen
	if missing == 0 {
		return nil
	}
	fd := md.Fields().ByNumber(protowire.Number(bits.TrailingZeros64(missing)))
	return wireFault(md, base, string(fd.Name()), "a required field", "none")
}

func requiredBits(md protoreflect.MessageDescriptor) (want uint64) {
	for nums, i := md.RequiredNumbers(), 0; i < nums.Len(); i++ {
		want |= 1 << uint(nums.Get(i))
	}
	return want
}

// overrun explains a length-delimited field that does not fit.
func (s *scanner) overrun(md protoreflect.MessageDescriptor, at int64, rest []byte, code int) error {
	if length, n := protowire.ConsumeVarint(rest); n > 0 {
		return wireFault(md, at, "", "a field within its message",
			fmt.Sprintf("length %d where %d bytes are left", length, len(rest)-n))
	}
	return s.broken(md, at, code)
}

func (s *scanner) broken(md protoreflect.MessageDescriptor, at int64, code int) error {
	err := wireFault(md, at, "", "protobuf fields", "broken wire form")
	err.Err = protowire.ParseError(code)
	return err
}

func wireFault(md protoreflect.MessageDescriptor, at int64, field, expected, seen string) *FormatError {
	subject := string(md.Name())
	if field != "" {
		subject += "." + field
	}
	err := malformed(subject, expected, seen)
	err.Offset = at
	return err
}
