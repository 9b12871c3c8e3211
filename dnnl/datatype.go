package dnnl

import "fmt"

// DataType is the type of a tensor's elements.
type DataType int32

// The data types, with oneDNN's values.
const (
	F16  DataType = 1 // IEEE half precision
	BF16 DataType = 2 // the upper half of an F32
	F32  DataType = 3
	S32  DataType = 4
	S8   DataType = 5
	U8   DataType = 6
)

var dataTypes = map[DataType]struct {
	name string
	size int
}{
	F16: {"f16", 2}, BF16: {"bf16", 2}, F32: {"f32", 4}, S32: {"s32", 4}, S8: {"s8", 1}, U8: {"u8", 1},
}

// String returns oneDNN's name of the type, such as "u8".
func (t DataType) String() string {
	if info, ok := dataTypes[t]; ok {
		return info.name
	}
	return fmt.Sprintf("data type %d", int32(t))
}

// Size returns the bytes of one element, 0 for an unknown type.
func (t DataType) Size() int { return dataTypes[t].size }
