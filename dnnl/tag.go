package dnnl

import "fmt"

// Tag names a memory layout: the letters are the dimensions, a the first, in
// the order of their strides, the greatest first. ACDB of an NCHW tensor is
// channels-last. A capital letter in oneDNN's own spelling marks a dimension
// that is split into inner blocks.
type Tag int32

// The layouts, with oneDNN's values. Any leaves the choice to the primitive.
const (
	Any    Tag = 1
	A      Tag = 2
	AB     Tag = 3
	ABC    Tag = 4
	ABCD   Tag = 5
	ABCDE  Tag = 6
	ABCDEF Tag = 7
	BA     Tag = 14
	ACB    Tag = 15
	BAC    Tag = 16
	BCA    Tag = 17
	CAB    Tag = 18
	CBA    Tag = 19
	ABDC   Tag = 20
	ACBD   Tag = 21
	ACDB   Tag = 22
	ADBC   Tag = 23
	ADCB   Tag = 24
	BACD   Tag = 25
	BCDA   Tag = 26
	CDAB   Tag = 27
	CDBA   Tag = 28
	DCAB   Tag = 29
	ABCED  Tag = 30
	ABDEC  Tag = 31
	ACBDE  Tag = 32
	ACDEB  Tag = 33
	ADECB  Tag = 34
	BACDE  Tag = 35
	BCDEA  Tag = 36
	CDEAB  Tag = 37
	CDEBA  Tag = 38
	DECAB  Tag = 39
)

// The activation layouts with channels in blocks of 8 or 16, and the weights
// that fit the latter.
const (
	NCW8c      Tag = 69
	NCW16c     Tag = 56
	NCHW8c     Tag = 102
	NCHW16c    Tag = 78
	NCDHW8c    Tag = 142
	NCDHW16c   Tag = 121
	OIHW16i16o Tag = 79
)

// The same layouts under the names of what they hold: N images or batch, C
// channels, D depth, H height, W width, O and I output and input channels of
// weights, G groups.
const (
	X     = A
	NC    = AB
	CN    = BA
	NCW   = ABC
	NWC   = ACB
	NCHW  = ABCD
	NHWC  = ACDB
	NCDHW = ABCDE
	NDHWC = ACDEB
	OI    = AB
	IO    = BA
	OIW   = ABC
	WIO   = CBA
	OIHW  = ABCD
	HWIO  = CDBA
	OHWI  = ACDB
	IOHW  = BACD
	OIDHW = ABCDE
	GOIW  = ABCD
	GOIHW = ABCDE
	HWIGO = DECAB
	GIOHW = ACBDE
)

var tagNames = map[Tag]string{
	Any: "any", A: "a", AB: "ab", ABC: "abc", ABCD: "abcd", ABCDE: "abcde", ABCDEF: "abcdef",
	BA: "ba", ACB: "acb", BAC: "bac", BCA: "bca", CAB: "cab", CBA: "cba",
	ABDC: "abdc", ACBD: "acbd", ACDB: "acdb", ADBC: "adbc", ADCB: "adcb", BACD: "bacd",
	BCDA: "bcda", CDAB: "cdab", CDBA: "cdba", DCAB: "dcab",
	ABCED: "abced", ABDEC: "abdec", ACBDE: "acbde", ACDEB: "acdeb", ADECB: "adecb", BACDE: "bacde",
	BCDEA: "bcdea", CDEAB: "cdeab", CDEBA: "cdeba", DECAB: "decab",
	NCW8c: "aBc8b", NCW16c: "aBc16b", NCHW8c: "aBcd8b", NCHW16c: "aBcd16b",
	NCDHW8c: "aBcde8b", NCDHW16c: "aBcde16b", OIHW16i16o: "ABcd16b16a",
}

// String returns oneDNN's spelling, such as "acdb" or "aBcd16b".
func (t Tag) String() string {
	if name, ok := tagNames[t]; ok {
		return name
	}
	return fmt.Sprintf("tag %d", int32(t))
}
