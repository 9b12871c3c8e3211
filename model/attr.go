package model

// An AttrType numbers the type of an attribute's value as Paddle's AttrType.
type AttrType int32

// The attribute types. Paddle 1.3 knows those up to AttrLongs.
const (
	AttrInt AttrType = iota
	AttrFloat
	AttrString
	AttrInts
	AttrFloats
	AttrStrings
	AttrBool
	AttrBools
	AttrBlock
	AttrLong
	AttrBlocks
	AttrLongs
	AttrFloat64s
	AttrVar
	AttrVars
	AttrFloat64
	AttrScalar
	AttrScalars
)

// An Attr is one attribute of an operator. Value holds, by Type: int32 (Int,
// Block), float32, string (String, Var), []int32 (Ints, Blocks), []float32,
// []string (Strings, Vars), bool, []bool, int64, []int64, []float64, float64,
// Scalar, []Scalar.
type Attr struct {
	Name  string
	Type  AttrType
	Value any
}

// A ScalarType numbers the kinds of a Scalar.
type ScalarType int32

// The kinds of a Scalar.
const (
	ScalarBool       ScalarType = 1
	ScalarLong       ScalarType = 2
	ScalarFloat64    ScalarType = 3
	ScalarComplex128 ScalarType = 4
)

// A Scalar is the typed scalar attribute of Paddle 2.5 and later.
type Scalar struct {
	Type       ScalarType
	Bool       bool
	Long       int64
	Float64    float64
	Complex128 complex128
}

// Attr returns the attribute of that name, or nil.
func (o *Op) Attr(name string) *Attr {
	for i := range o.Attrs {
		if o.Attrs[i].Name == name {
			return &o.Attrs[i]
		}
	}
	return nil
}

// The accessors below are lenient, as files are: Paddle 1.3's calibrator stores
// flags as INT, later versions LONG where INT is declared. Absent or
// inconvertible attributes give def.

// Int returns an integer attribute (INT, LONG, BOOLEAN).
func (o *Op) Int(name string, def int64) int64 {
	a := o.Attr(name)
	if a == nil {
		return def
	}
	switch v := a.Value.(type) {
	case int32:
		return int64(v)
	case int64:
		return v
	case bool:
		if v {
			return 1
		}
		return 0
	}
	return def
}

// Bool returns a flag (BOOLEAN, or INT/LONG where nonzero is true).
func (o *Op) Bool(name string, def bool) bool {
	a := o.Attr(name)
	if a == nil {
		return def
	}
	switch v := a.Value.(type) {
	case bool:
		return v
	case int32:
		return v != 0
	case int64:
		return v != 0
	}
	return def
}

// Float returns a number (FLOAT, FLOAT64, INT, LONG).
func (o *Op) Float(name string, def float64) float64 {
	a := o.Attr(name)
	if a == nil {
		return def
	}
	switch v := a.Value.(type) {
	case float32:
		return float64(v)
	case float64:
		return v
	case int32:
		return float64(v)
	case int64:
		return float64(v)
	}
	return def
}

// Str returns a STRING attribute.
func (o *Op) Str(name, def string) string {
	if a := o.Attr(name); a != nil {
		if s, ok := a.Value.(string); ok {
			return s
		}
	}
	return def
}

// Ints returns an INTS or LONGS attribute.
func (o *Op) Ints(name string, def []int64) []int64 {
	a := o.Attr(name)
	if a == nil {
		return def
	}
	switch v := a.Value.(type) {
	case []int64:
		return append([]int64(nil), v...)
	case []int32:
		out := make([]int64, len(v))
		for i, x := range v {
			out[i] = int64(x)
		}
		return out
	}
	return def
}

// Floats returns a FLOATS or FLOAT64S attribute.
func (o *Op) Floats(name string, def []float32) []float32 {
	a := o.Attr(name)
	if a == nil {
		return def
	}
	switch v := a.Value.(type) {
	case []float32:
		return append([]float32(nil), v...)
	case []float64:
		out := make([]float32, len(v))
		for i, x := range v {
			out[i] = float32(x)
		}
		return out
	}
	return def
}
