package model

import "fmt"

// A DType is the element type of a tensor, numbered as Paddle's VarType.Type.
type DType int32

// The element types of Paddle tensors.
const (
	Bool  DType = 0
	Int16 DType = 1
	Int32 DType = 2
	Int64 DType = 3
	FP16  DType = 4
	FP32  DType = 5
	FP64  DType = 6
	UInt8 DType = 20
	Int8  DType = 21
	BF16  DType = 22
)

var dtypes = map[DType]struct {
	name string
	size int
}{
	Bool: {"bool", 1}, Int16: {"int16", 2}, Int32: {"int32", 4}, Int64: {"int64", 8}, FP16: {"float16", 2},
	FP32: {"float32", 4}, FP64: {"float64", 8}, UInt8: {"uint8", 1}, Int8: {"int8", 1}, BF16: {"bfloat16", 2},
}

// Size returns the bytes of one element, or 0 for a type that tensors do not have.
func (d DType) Size() int { return dtypes[d].size }

// String returns Paddle's name of the type, such as "float32".
func (d DType) String() string {
	if t, ok := dtypes[d]; ok {
		return t.name
	}
	return fmt.Sprintf("dtype(%d)", int32(d))
}

// A VarType says what kind of thing a variable is, numbered as Paddle's VarType.Type.
type VarType int32

// The variable kinds that occur in inference programs.
const (
	VarLoDTensor     VarType = 7
	VarSelectedRows  VarType = 8
	VarFeedMinibatch VarType = 9
	VarFetchList     VarType = 10
	VarStepScopes    VarType = 11
	VarTensorArray   VarType = 13
	VarReader        VarType = 15
	VarRaw           VarType = 17
)
