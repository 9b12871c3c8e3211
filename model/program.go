package model

// A Program is a Paddle program (ProgramDesc): blocks of variables and
// operators in execution order. It holds what Paddle's protobuf message holds,
// as plain Go values that may be edited freely. A Program is not safe for
// concurrent modification.
type Program struct {
	Blocks []*Block
	// Version is what the writer put into the program: 0 in hand-written and
	// 1.3 files, 1008005 for Paddle 1.8.5, 2006002 for 2.6.2.
	Version int64
	// OpVersions holds the op_version_map of 2.x programs in file order.
	OpVersions []OpVersion
	Wire       Wire
}

// Wire keeps what a file says beyond the fields of the type that it is part
// of, so that a loaded program is written back as it was. The zero value is
// right for everything that is built in Go; edits of the other fields win.
type Wire struct {
	// Explicit has bit n set where optional field n stood in the file although
	// it holds its default value.
	Explicit uint32
	// Rest holds the protobuf fields that the type does not model, encoded.
	Rest []byte
}

// An OpVersion is one entry of a program's op_version_map.
type OpVersion struct {
	Op      string
	Version int32
}

// A Block is a list of variables and the operators that run over them, in order.
// Inference CNNs have exactly one.
type Block struct {
	Index        int32
	Parent       int32 // -1 for block 0
	ForwardBlock int32 // -1 outside backward blocks
	Vars         []*Var
	Ops          []*Op
	Wire         Wire
}

// Var returns the variable of that name in b, or nil.
func (b *Block) Var(name string) *Var {
	for _, v := range b.Vars {
		if v.Name == name {
			return v
		}
	}
	return nil
}

// A Var is a variable description (VarDesc).
type Var struct {
	Name string
	Type VarType // VarLoDTensor for ordinary tensors
	// DType and Dims describe the tensor; -1 in Dims is unknown (the batch).
	DType         DType
	Dims          []int64
	LoDLevel      int32
	Persistable   bool
	NeedCheckFeed bool
	IsParameter   bool
	StopGradient  bool
	Wire          Wire
}

// IsParam reports whether v is stored in the parameter files: persistable and
// a tensor. Paddle's own is_parameter flag is false on real parameters.
func (v *Var) IsParam() bool { return v.Persistable && v.Type == VarLoDTensor }

// An Op is an operator description (OpDesc). Inputs and Outputs keep the order
// of the file; a slot may be listed with no arguments.
type Op struct {
	Type     string
	Inputs   []Slot
	Outputs  []Slot
	Attrs    []Attr
	IsTarget bool
	Wire     Wire
}

// A Slot binds variables to one named input or output of an operator.
type Slot struct {
	Name string
	Args []string
}

// In returns the variables of input slot name (nil if the slot is absent or empty).
func (o *Op) In(name string) []string { return args(o.Inputs, name) }

// Out returns the variables of output slot name (nil if the slot is absent or empty).
func (o *Op) Out(name string) []string { return args(o.Outputs, name) }

func args(slots []Slot, name string) []string {
	for _, s := range slots {
		if s.Name == name {
			return s.Args
		}
	}
	return nil
}
