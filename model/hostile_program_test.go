package model

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// Pieces of protobuf wire form, for programs that no encoder would write.

func vint(num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
}

func sub(num protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), bytes.Join(parts, nil))
}

func str(num protowire.Number, s string) []byte { return sub(num, []byte(s)) }

func raw(h string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(h, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

const minusOne = 1<<64 - 1

// block is block 0 with what is given added.
func block(parts ...[]byte) []byte {
	return sub(1, append([][]byte{vint(1, 0), vint(2, minusOne)}, parts...)...)
}

// tensorVar is a variable of FP32 with the dims given as raw fields.
func tensorVar(name string, more ...[]byte) []byte {
	desc := sub(1, append([][]byte{vint(1, 5)}, more...)...)
	return sub(3, str(1, name), sub(2, vint(1, 7), sub(3, desc)))
}

// opOf is an operator of type relu with what is given added.
func opOf(parts ...[]byte) []byte { return sub(4, append([][]byte{str(3, "relu")}, parts...)...) }

// attrOf is an attribute of that type with a value field.
func attrOf(typ uint64, value ...[]byte) []byte {
	return sub(4, append([][]byte{str(1, "a"), vint(2, typ)}, value...)...)
}

func many(n int, b []byte) []byte { return bytes.Repeat(b, n) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// programCases are program files that are wrong, or look wrong and are not
// (kind nil). want is part of the error.
func programCases() []hostileCase {
	return []hostileCase{
		{"empty file", nil, ErrFormat, "an empty file"},
		{"one byte", raw("0a"), ErrFormat, "broken wire form"},
		{"right first tag, then noise", noise(4096), ErrFormat, ""},
		{"varint of 11 bytes", join(block(), raw("10 ffffffffffffffffffff01")), ErrFormat, "variable length"},
		{"varint above 2^64", join(block(), raw("10 ffffffffffffffffff7f")), ErrFormat, "variable length"},
		{"length beyond the file", raw("0a 7f 08"), ErrFormat, "length 127 where 1 bytes are left"},
		{"length 2^63", raw("0a 80808080808080808001"), ErrFormat, "length 9223372036854775808"},
		{"length 2^64-1", raw("0a ffffffffffffffffff01 00"), ErrFormat, "length 18446744073709551615"},
		{"field number 0", join(block(), raw("02 00")), ErrFormat, "invalid field number"},
		{"field number above 2^29", join(block(), raw("8280808010 00")), ErrFormat, "seen 536870912"},
		{"group", join(block(), raw("33 34")), ErrFormat, "group 6"},
		{"group without end", join(block(), raw("33")), ErrFormat, "group 6"},
		{"end of a group that never began", join(block(), raw("34")), ErrFormat, "group 6"},
		{"100 000 groups, one in the other", join(block(), many(100_000, raw("33"))), ErrFormat, "group 6"},
		{"wire type 6", join(block(), raw("36 00")), ErrFormat, "reserved wire type"},
		{"wire type 7", join(block(), raw("37 00")), ErrFormat, "reserved wire type"},
		{"blocks as a number", join(block(), vint(1, 1)), ErrFormat, "wire type 2"},
		{"block index as text", sub(1, str(1, "0"), vint(2, minusOne)), ErrFormat, "Block.index"},
		{"variable name as a number", block(sub(3, vint(1, 3), sub(2, vint(1, 9)))), ErrFormat, "Var.name"},
		{"attribute float as a varint", block(opOf(attrOf(1, vint(4, 1)))), ErrFormat, "Attr.f"},
		{"block without index", sub(1, vint(2, minusOne)), ErrFormat, "Block.index"},
		{"block without parent", sub(1, vint(1, 0)), ErrFormat, "Block.parent"},
		{"variable without name", block(sub(3, sub(2, vint(1, 9)))), ErrFormat, "Var.name"},
		{"variable without type", block(sub(3, str(1, "v"))), ErrFormat, "Var.type"},
		{"variable of no kind", block(sub(3, str(1, "v"), sub(2))), ErrFormat, "VarType.kind"},
		{"tensor without description", block(sub(3, str(1, "v"), sub(2, vint(1, 7)))), ErrFormat, `variable "v": malformed model: expected a tensor description`},
		{"tensor without element type", block(sub(3, str(1, "v"), sub(2, vint(1, 7), sub(3, sub(1))))), ErrFormat, "TensorDesc.data_type"},
		{"op without type", block(sub(4, sub(1, str(1, "X")))), ErrFormat, "Op.type"},
		{"op of empty type", block(sub(4, str(3, ""))), ErrFormat, "operator"},
		{"slot without name", block(opOf(sub(1, str(2, "x")))), ErrFormat, "Slot.parameter"},
		{"attribute without name", block(opOf(sub(4, vint(2, 0)))), ErrFormat, "Attr.name"},
		{"attribute without type", block(opOf(sub(4, str(1, "a")))), ErrFormat, "Attr.type"},
		{"attribute type 18", block(opOf(attrOf(18))), ErrUnsupported, `op "relu": attribute "a"`},
		{"attribute type -1", block(opOf(attrOf(minusOne))), ErrUnsupported, "seen -1"},
		{"attribute type 2^31", block(opOf(attrOf(1 << 31))), ErrUnsupported, "seen -2147483648"},
		{"packed floats with a partial last one", block(opOf(attrOf(4, sub(7, make([]byte, 7))))), ErrFormat, "partial"},
		{"packed ints with a partial last one", block(opOf(attrOf(3, sub(6, raw("01 ff"))))), ErrFormat, "partial"},
		{"no block", vint(2, 0), ErrFormat, "at least one block"},
		{"variable of empty name", block(tensorVar("")), ErrFormat, "variable"},
		{"nine dims", block(tensorVar("v", many(9, vint(2, 1)))), ErrTooLarge, "Limits.Rank"},
		{"a thousand dims", block(tensorVar("v", many(1000, vint(2, 1)))), ErrTooLarge, "Limits.Rank"},
		{"name of 1 MiB", block(tensorVar(strings.Repeat("n", 1<<20))), ErrTooLarge, "Limits.NameBytes"},
		{"argument of 1 MiB", block(opOf(sub(1, str(1, "X"), str(2, strings.Repeat("n", 1<<20))))), ErrTooLarge, "Limits.NameBytes"},
		{"op type of 2 KiB", block(sub(4, str(3, strings.Repeat("n", 2048)))), ErrTooLarge, "Limits.NameBytes"},
		{"65 blocks", many(65, block()), ErrTooLarge, "Limits.Blocks"},
		{"100 001 ops", block(many(100_001, opOf())), ErrTooLarge, "Limits.Ops"},
		{"200 001 variables", block(many(200_001, sub(3, str(1, "v"), sub(2, vint(1, 17))))), ErrTooLarge, "Limits.Vars"},
		{"a million empty blocks", many(1_000_000, raw("0a 00")), ErrFormat, "Block.index"},
		{"a million empty attributes", block(opOf(many(1_000_000, raw("22 00")))), ErrFormat, "Attr.name"},
		{"five million small attributes", block(opOf(many(5_000_000, attrOf(0)))), ErrTooLarge, "in memory"},
		{"ten million dims", block(tensorVar("v", many(10_000_000, vint(2, 1)))), ErrTooLarge, "in memory"},
		{"ten million packed ints", block(opOf(attrOf(3, sub(6, many(10_000_000, raw("01")))))), ErrTooLarge, "in memory"},
		{"twenty million unknown fields", join(block(), many(20_000_000, raw("30 00"))), ErrTooLarge, "fields"},
		{"a million unknown fields", join(block(), many(1_000_000, raw("30 00"))), nil, ""},
		{"a variable type merged 100 000 times", block(sub(3, str(1, "v"), many(100_000, sub(2, vint(1, 7), sub(3, sub(1, vint(1, 5), vint(2, 1))))))), ErrTooLarge, "Limits.Rank"},
		{"mixed packed and unpacked ints", block(opOf(attrOf(3, vint(6, 1), sub(6, raw("02 03")), vint(6, 4)))), nil, ""},
		{"singular field twice", block(sub(3, str(1, "a"), str(1, "b"), sub(2, vint(1, 9)))), nil, ""},
		{"invalid UTF-8 in a name", block(tensorVar("\xff\xfe")), nil, ""},
		{"NUL, newline, ESC and RTL in a name", block(tensorVar("a\x00\n\x1b\u202e")), nil, ""},
		{"trailing garbage", join(block(), noise(100)[1:]), ErrFormat, ""},
		{"trailing zeros", join(block(), make([]byte, 16)), ErrFormat, "invalid field number"},
		{"NaN in an attribute", block(opOf(attrOf(1, raw("25 0000c07f")))), nil, ""},
		{"negative variable kind", block(sub(3, str(1, "v"), sub(2, vint(1, minusOne)))), nil, ""},
		{"future version", join(block(), sub(4, vint(1, 1<<40))), nil, ""},
		{"no version", block(), nil, ""},
		{"scalar without type", block(opOf(attrOf(16, sub(20, vint(2, 1))))), ErrFormat, "Scalar.type"},
		{"gzip", raw("1f8b0800"), ErrUnsupported, "gzip"},
		{"zip", []byte("PK\x03\x04...."), ErrUnsupported, "zip"},
		{"zstd", raw("28b52ffd00"), ErrUnsupported, "zstd"},
		{"tar", append(append(make([]byte, 0, 512), padded("__model__", 257)...), "ustar\x0000"...), ErrUnsupported, "tar"},
		{"pickle", raw("80027d71"), ErrUnsupported, "pickle"},
		{"pickle of protocol 4", raw("80049500"), ErrUnsupported, "pickle"},
		{"ONNX", raw("0807 1207 7079746f726368"), ErrUnsupported, "ONNX"},
		{"web page", []byte("\n<!DOCTYPE html><html>"), ErrUnsupported, "web page"},
		{"web page in small letters", []byte("<html><body>404"), ErrUnsupported, "web page"},
		{"LFS pointer", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00"), ErrUnsupported, "Git LFS"},
		{"UTF-16", raw("fffe 7b00 2200"), ErrUnsupported, "UTF-16"},
		{"PIR program without operators", []byte(`{"base_code":{"magic":"pir","version":4},"program":{}}`), ErrFormat, "block of operators"},
		{"PIR program behind a newline", []byte("\n{\"base_code\":{\"magic\":\"pir\"}}"), ErrFormat, "block of operators"},
		{"other JSON", []byte(` { "a": 1}`), ErrUnsupported, "JSON"},
		{"text", []byte("hello, this is not a model"), ErrFormat, ""},
		{"parameter file", make([]byte, 64), ErrUnsupported, "parameter file"},
		{"NumPy array", []byte("\x93NUMPY\x01\x00"), ErrUnsupported, "NumPy"},
		{"JPEG", raw("ffd8ffe0"), ErrUnsupported, "JPEG"},
		{"ELF", []byte("\x7fELF\x02"), ErrUnsupported, "ELF"},
	}
}

type hostileCase struct {
	name string
	data []byte
	kind error // what errors.Is must find; nil accepts
	want string
}

func noise(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	b[0] = 0x0a
	return b
}

func padded(s string, n int) []byte { return append([]byte(s), make([]byte, n-len(s))...) }

// decodeFile is what Load does with the bytes of a program file.
func decodeFile(data []byte) (*Program, error) {
	lim, err := Limits{}.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := foreignProgram(data[:min(len(data), sniffBytes)]); err != nil {
		return nil, err
	}
	if isPIR(data[:min(len(data), sniffBytes)]) {
		p, _, err := decodePIR(data, lim)
		return p, err
	}
	return decodeProgram(data, lim)
}

func TestHostilePrograms(t *testing.T) {
	for _, c := range programCases() {
		t.Run(c.name, func(t *testing.T) {
			_, err := decodeFile(c.data)
			checkRejection(t, err, c.kind, c.want)
		})
	}
}

// checkRejection wants a FormatError of that kind with that text, or none.
func checkRejection(t *testing.T, err, kind error, want string) {
	t.Helper()
	if kind == nil {
		if err != nil {
			t.Errorf("got %v, want it accepted", err)
		}
		return
	}
	var fe *FormatError
	if !errors.As(err, &fe) || !errors.Is(err, kind) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want a FormatError of kind %q with %q", err, kind, want)
	}
}

// TestProgramSweeps truncates a program at every byte and flips every bit. No
// outcome but an equal or another program or a FormatError is right.
func TestProgramSweeps(t *testing.T) {
	program, _ := encoded(t, tiny(t))
	if len(program) < 1000 {
		t.Fatalf("the program has %d bytes: too small for a sweep", len(program))
	}
	sweep(t, program, func(b []byte) error {
		p, err := decodeFile(b)
		if err == nil {
			err = Check(&Model{Program: p})
			if _, e := (encoder{}).program(p); e != nil {
				t.Errorf("what was decoded does not encode: %v", e)
			}
		}
		return err
	})
}

// sweep calls f with each truncation and each one-bit change of b.
func sweep(t *testing.T, b []byte, f func([]byte) error) {
	t.Helper()
	check := func(what string, data []byte) {
		var fe *FormatError
		if err := f(data); err != nil && !errors.As(err, &fe) {
			t.Errorf("%s: %v is no FormatError", what, err)
		}
	}
	for n := range b {
		check(fmt.Sprintf("truncated to %d bytes", n), b[:n:n])
	}
	flipped := bytes.Clone(b)
	for bit := range 8 * len(b) {
		flipped[bit/8] ^= 1 << (bit % 8)
		check(fmt.Sprintf("bit %d of byte %d flipped", bit%8, bit/8), flipped)
		flipped[bit/8] ^= 1 << (bit % 8)
	}
}
