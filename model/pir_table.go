package model

// PIR, the representation of Paddle 3, names its operators and their operands
// anew. Octet keeps one form of program in memory, the classical one of
// ProgramDesc, so every operator of PIR that it knows has a row in the tables
// of pir_ops_*.go: how its operands, results and attributes are called there.
// Reading and writing use the same row. Names, order, types and defaults are
// those of Paddle 3.3.1 on the one side and 2.6.2 on the other;
// testdata/pir_ops/ops.json holds them as both tell them, and a test compares.

// A pirOp is one row: an operator of the dialect pd_op and its classical type.
type pirOp struct {
	name  string // in pd_op
	op    string // the classical type
	in    []pirOperand
	out   []pirResult
	attrs []pirAttr
	// when chooses between the rows of one classical type when writing; nil
	// takes every operator.
	when func(*Op) bool
	// read completes a classical operator that was read by this row.
	read func(*pirReader, *Op)
}

// An operandKind says what an operand of PIR is in the classical form.
type operandKind uint8

const (
	operandOne      operandKind = iota // the one variable of a slot
	operandOptional                    // the same, or none
	operandList                        // all variables of a slot
	operandInts                        // a list attribute; in PIR a constant tensor
	operandNumber                      // a number attribute; in PIR a constant tensor
)

// A pirOperand is one operand, in the order of PIR.
type pirOperand struct {
	kind operandKind
	slot string // for a constant the slot that holds it where it is computed
	attr string // the attribute that a constant becomes
	typ  AttrType
	def  any   // the attribute's default
	elem DType // element type of the constant that is written
}

func argOne(slot string) pirOperand      { return pirOperand{kind: operandOne, slot: slot} }
func argOptional(slot string) pirOperand { return pirOperand{kind: operandOptional, slot: slot} }
func argList(slot string) pirOperand     { return pirOperand{kind: operandList, slot: slot} }

// constInts is an operand that was the INTS attribute attr, or the input slot.
func constInts(attr, slot string) pirOperand {
	return pirOperand{kind: operandInts, attr: attr, slot: slot, typ: AttrInts, def: []int32{}, elem: Int64}
}

// constInt is an operand of one integer that was the INT attribute attr.
func constInt(attr, slot string, elem DType, def int32) pirOperand {
	return pirOperand{kind: operandNumber, attr: attr, slot: slot, typ: AttrInt, def: def, elem: elem}
}

// constFloat is an operand of one number that was the FLOAT attribute attr.
func constFloat(attr, slot string, def float32) pirOperand {
	return pirOperand{kind: operandNumber, attr: attr, slot: slot, typ: AttrFloat, def: def, elem: FP32}
}

// as changes the classical type of a constant operand's attribute.
func (o pirOperand) as(t AttrType, def any) pirOperand {
	o.typ, o.def = t, def
	return o
}

// A pirResult is one result, in the order of PIR.
type pirResult struct {
	slot string // "" where the classical operator has no such output
	many bool   // a list of values, taken apart by builtin.split
	// elem is the element type: that of the first operand, or fixed, or as the
	// program declares it. Paddle trusts what the file says.
	elem elemRule
	// over is the input slot that the result overwrites: classically both are
	// one variable.
	over string
}

// An elemRule says what element type a result has.
type elemRule uint8

const (
	elemOfFirst elemRule = iota
	elemDeclared
	elemBool
	elemInt32
	elemInt64
)

// fixed returns the element type of results that have the same always.
func (r elemRule) fixed() (DType, bool) {
	switch r {
	case elemBool:
		return Bool, true
	case elemInt32:
		return Int32, true
	case elemInt64:
		return Int64, true
	}
	return undefinedDType, false
}

func out(slot string) pirResult { return pirResult{slot: slot} }

// outAs is a result whose type is not that of the first operand.
func outAs(slot string, elem elemRule) pirResult { return pirResult{slot: slot, elem: elem} }

func outEach(slot string) pirResult     { return pirResult{slot: slot, many: true} }
func outOver(slot, in string) pirResult { return pirResult{slot: slot, over: in} }

// A pirKind is the kind of an attribute in PIR, as files spell it.
type pirKind string

const (
	pirBool     pirKind = "0.a_bool"
	pirI32      pirKind = "0.a_i32"
	pirI64      pirKind = "0.a_i64"
	pirF32      pirKind = "0.a_f32"
	pirF64      pirKind = "0.a_f64"
	pirStr      pirKind = "0.a_str"
	pirArray    pirKind = "0.a_array"
	pirIntArray pirKind = "1.a_intarray"
	pirDType    pirKind = "1.a_dtype"
	pirScalar   pirKind = "1.a_scalar"
	pirPlace    pirKind = "1.a_place"
)

// A pirAttr is one attribute.
type pirAttr struct {
	name string // in PIR
	attr string // the classical name
	kind pirKind
	elem pirKind // of the elements of an array
	typ  AttrType
	def  any // in the classical type: for whichever side leaves it out
	// rare attributes came after the classical form: they are set only where
	// they differ from the default.
	rare bool
	// always is written whatever the classical operator says.
	always bool
}

func attrFlag(name string, def bool) pirAttr {
	return pirAttr{name: name, attr: name, kind: pirBool, typ: AttrBool, def: def}
}

func attrI32(name string, def int32) pirAttr {
	return pirAttr{name: name, attr: name, kind: pirI32, typ: AttrInt, def: def}
}

func attrF32(name string, def float32) pirAttr {
	return pirAttr{name: name, attr: name, kind: pirF32, typ: AttrFloat, def: def}
}

// f64 is a double in PIR that was a float before.
func attrF64(name string, def float32) pirAttr {
	return pirAttr{name: name, attr: name, kind: pirF64, typ: AttrFloat, def: def}
}

func attrText(name, def string) pirAttr {
	return pirAttr{name: name, attr: name, kind: pirStr, typ: AttrString, def: def}
}

func attrI32s(name string, def ...int32) pirAttr {
	return pirAttr{name: name, attr: name, kind: pirArray, elem: pirI32, typ: AttrInts, def: append([]int32{}, def...)}
}

// i64s are 64 bit in PIR and were 32 before.
func attrI64s(name string, def ...int32) pirAttr {
	a := attrI32s(name, def...)
	a.elem = pirI64
	return a
}

func attrF32s(name string, def ...float32) pirAttr {
	return pirAttr{name: name, attr: name, kind: pirArray, elem: pirF32, typ: AttrFloats, def: append([]float32{}, def...)}
}

// f64s are doubles in PIR and were floats before.
func attrF64s(name string) pirAttr {
	a := attrF32s(name)
	a.elem = pirF64
	return a
}

// dtype is an element type, classically its number. -1 is undefined.
func attrDType(name string, def DType) pirAttr {
	return pirAttr{name: name, attr: name, kind: pirDType, typ: AttrInt, def: int32(def)}
}

// attrPlace is where a constant is kept: anywhere. It has no classical form.
func attrPlace() pirAttr { return pirAttr{name: "place", kind: pirPlace} }

// was gives the classical name of an attribute.
func (a pirAttr) was(name string) pirAttr {
	a.attr = name
	return a
}

// onlyIfSet marks an attribute that the classical operator does not have.
func (a pirAttr) onlyIfSet() pirAttr {
	a.rare = true
	return a
}

// fixed marks an attribute that is always written with its default.
func (a pirAttr) fixed() pirAttr {
	a.always = true
	return a
}

// undefinedDType is how Paddle spells an element type that is left open.
const undefinedDType DType = -1

// pirRows holds all rows by their name in pd_op, and classicalRows by their
// classical type.
var pirRows, classicalRows = indexRows(
	pirConvOps, pirNormOps, pirActivationOps, pirElementwiseOps, pirReduceOps, pirShapeOps, pirMoveOps,
	pirClassOps, pirDetectionOps, pirQuantOps,
)

func indexRows(tables ...[]pirOp) (map[string]*pirOp, map[string][]*pirOp) {
	byName, byType := make(map[string]*pirOp), make(map[string][]*pirOp)
	for _, t := range tables {
		for i := range t {
			byName[t[i].name] = &t[i]
			byType[t[i].op] = append(byType[t[i].op], &t[i])
		}
	}
	return byName, byType
}

// pirRow finds the row of an operator of pd_op. A name that ends in "_" is that
// of an operator which may reuse its input's memory; it computes the same.
func pirRow(name string) *pirOp {
	if row := pirRows[name]; row != nil {
		return row
	}
	if n := len(name); n > 1 && name[n-1] == '_' {
		return pirRows[name[:n-1]]
	}
	return nil
}

// classicalRow finds the row by which a classical operator is written.
func classicalRow(o *Op) *pirOp {
	for _, row := range classicalRows[o.Type] {
		if row.when == nil || row.when(o) {
			return row
		}
	}
	return nil
}
