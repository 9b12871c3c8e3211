package graph

import (
	"fmt"
	"slices"

	"github.com/octet-dnn/octet/model"
)

// Import translates a program layer by layer, without rewriting anything:
// every op becomes one layer, or a few where Octet's form differs from
// Paddle's. It reads Paddle's programs from 1.3 to 2.6, FP32 and INT8.
//
// Op types that Octet does not know are reported together in an
// UnsupportedError. Other errors are an OpError that names the op.
//
// Inputs stand in the order of the feed ops' col, outputs in that of the fetch
// ops. A variable that is written more than once becomes one value a write;
// the last keeps the name, earlier ones get a suffix. Lazy parameters that are
// weights of a layer stay lazy, all others are read.
func Import(m *model.Model) (*Graph, error) {
	if m == nil || m.Program == nil || len(m.Program.Blocks) == 0 {
		return nil, fmt.Errorf("import: %w", programErr("no blocks"))
	}
	im := &importer{
		model:  m,
		block:  m.Program.Blocks[0],
		vars:   make(map[string]*model.Var),
		env:    make(map[string]*Value),
		consts: make(map[string]*Value),
		g:      &Graph{Name: m.Name},
	}
	if err := im.run(); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	return im.g, nil
}

// An importFunc translates one op. It reports through r.
type importFunc func(r *reader)

// importers holds every op type that Import knows, one table an operator family.
var importers = merge(
	convImporters,
	linearImporters,
	poolImporters,
	normImporters,
	activationImporters,
	elementwiseImporters,
	shapeImporters,
	dynamicImporters,
	detectImporters,
	labelImporters,
	int8Importers,
	qdqImporters,
)

func merge(tables ...map[string]importFunc) map[string]importFunc {
	all := make(map[string]importFunc)
	for _, t := range tables {
		for op, f := range t {
			all[op] = f
		}
	}
	return all
}

type importer struct {
	model  *model.Model
	block  *model.Block
	vars   map[string]*model.Var
	env    map[string]*Value // what each variable holds at this point of the program
	consts map[string]*Value
	writes []*Value // what layers computed, in order, still under the program's names
	g      *Graph
}

func (im *importer) run() error {
	if err := im.declare(); err != nil {
		return err
	}
	if err := im.checkTypes(); err != nil {
		return err
	}
	if err := im.feeds(); err != nil {
		return err
	}
	fetches := make(map[int]Output)
	for i, op := range im.block.Ops {
		r := &reader{im: im, op: op}
		switch op.Type {
		case "feed":
			continue
		case "fetch":
			r.fetch(fetches)
		default:
			importers[op.Type](r)
		}
		if r.err != nil {
			return &OpError{Op: op.Type, Var: opVar(op), Err: fmt.Errorf("op %d: %w", i, r.err)}
		}
	}
	if len(fetches) == 0 {
		return programErr("no fetch op: nothing would be returned")
	}
	for _, col := range sortedKeys(fetches) {
		im.g.Outputs = append(im.g.Outputs, fetches[col])
	}
	im.nameValues()
	if err := readLazy(im.g); err != nil {
		return err
	}
	_, err := probe(im.g)
	return err
}

// opVar is the variable that names an op in messages.
func opVar(op *model.Op) string {
	for _, slots := range [][]model.Slot{op.Outputs, op.Inputs} {
		for _, s := range slots {
			if len(s.Args) > 0 && s.Args[0] != "fetch" {
				return s.Args[0]
			}
		}
	}
	return "?"
}

func sortedKeys[V any](m map[int]V) []int {
	keys := make([]int, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// declare indexes the variables. Two declarations of a name must agree.
func (im *importer) declare() error {
	for _, v := range im.block.Vars {
		if v.Name == "" {
			return programErr("a variable without a name")
		}
		if old := im.vars[v.Name]; old != nil {
			if old.DType != v.DType || old.Persistable != v.Persistable || !slices.Equal(old.Dims, v.Dims) {
				return programErr("variable %q is declared twice, differently", v.Name)
			}
		}
		im.vars[v.Name] = v
	}
	return nil
}

// checkTypes reports all unknown op types at once.
func (im *importer) checkTypes() error {
	unknown := make(map[string]int)
	for i, op := range im.block.Ops {
		if op.Type == "" {
			return programErr("op %d has no type", i)
		}
		if op.Type != "feed" && op.Type != "fetch" && importers[op.Type] == nil {
			unknown[op.Type]++
		}
	}
	if len(unknown) > 0 {
		return &UnsupportedError{Counts: unknown}
	}
	return nil
}

// feeds makes the inputs, in col order whatever the order of the ops.
func (im *importer) feeds() error {
	byCol := make(map[int]*Value)
	for _, op := range im.block.Ops {
		if op.Type != "feed" {
			continue
		}
		r := &reader{im: im, op: op}
		v := r.feed(byCol)
		if r.err != nil {
			return &OpError{Op: op.Type, Var: opVar(op), Err: r.err}
		}
		im.env[v.Name] = v
	}
	if len(byCol) == 0 {
		return programErr("no feed op: the network has no input")
	}
	for _, col := range sortedKeys(byCol) {
		im.g.Inputs = append(im.g.Inputs, byCol[col])
	}
	return nil
}

func (r *reader) feed(byCol map[int]*Value) *Value {
	name := r.arg(r.op.Outputs, "Out")
	col := r.int("col", 0)
	decl := r.im.vars[name]
	switch {
	case r.err != nil:
	case decl == nil:
		r.fail(programErr("fed variable %q is not declared", name))
	case decl.IsParam():
		r.fail(programErr("fed variable %q is a parameter", name))
	case col < 0:
		r.fail(programErr("column %d", col))
	case byCol[col] != nil:
		r.fail(programErr("column %d is fed by %q already", col, byCol[col].Name))
	case r.im.env[name] != nil:
		r.fail(programErr("variable %q is fed twice", name))
	}
	if r.err != nil {
		return nil
	}
	v := &Value{Name: name, DType: decl.DType, Dims: slices.Clone(decl.Dims)}
	r.fail(checkInput(v))
	byCol[col] = v
	return v
}

// checkInput refuses element types and dims that no layer could take.
func checkInput(v *Value) error {
	switch v.DType {
	case model.FP32, model.Int64, model.Int32, model.UInt8, model.Int8:
	default:
		return unsupportedErr("input of type %v", v.DType)
	}
	if len(v.Dims) > maxRank {
		return programErr("input of rank %d", len(v.Dims))
	}
	for i, d := range v.Dims {
		if d < -1 || d == 0 || d > maxDim {
			return programErr("dim %d of %v", i, v.Dims)
		}
	}
	return nil
}

func (r *reader) fetch(byCol map[int]Output) {
	col := r.int("col", 0)
	name := r.arg(r.op.Inputs, "X")
	v := r.in("X")
	switch {
	case r.err != nil:
	case col < 0:
		r.fail(programErr("column %d", col))
	case byCol[col].Value != nil:
		r.fail(programErr("column %d is fetched into %q already", col, byCol[col].Name))
	default:
		byCol[col] = Output{Name: name, Value: v}
	}
}

// constant returns the value of a parameter, or nil if name is none.
func (im *importer) constant(name string) (*Value, error) {
	if v := im.consts[name]; v != nil {
		return v, nil
	}
	decl := im.vars[name]
	if decl == nil || !decl.IsParam() {
		return nil, nil
	}
	t := im.model.Params[name]
	if t == nil {
		return nil, programErr("parameter %q has no data", name)
	}
	v, err := newConst(name, t)
	if err == nil {
		im.consts[name] = v
	}
	return v, err
}

// newConst wraps t after checking that its data is as long as its dims say.
func newConst(name string, t *model.Tensor) (*Value, error) {
	n, err := toShape(t.Dims).Elems()
	if err != nil {
		return nil, fmt.Errorf("parameter %q: %w", name, err)
	}
	if t.DType.Size() == 0 || n*t.DType.Size() != t.Size() {
		return nil, programErr("parameter %q has %d bytes for %v of %v", name, t.Size(), t.Dims, t.DType)
	}
	return &Value{Name: name, DType: t.DType, Dims: t.Dims, Const: t}, nil
}

// nameValues makes the names of values unique. Inputs and parameters keep
// theirs; otherwise the last write of a variable does, because that is the one
// that calibration tables and people mean.
func (im *importer) nameValues() {
	taken := make(map[string]bool)
	for _, v := range im.g.Inputs {
		taken[v.Name] = true
	}
	for name := range im.consts {
		taken[name] = true
	}
	next := make(map[string]int)
	for _, v := range slices.Backward(im.writes) {
		for base := v.Name; taken[v.Name]; {
			next[base]++
			v.Name = fmt.Sprintf("%s@%d", base, next[base])
		}
		taken[v.Name] = true
	}
	for _, l := range im.g.Layers {
		l.Name = l.Out[0].Name
	}
}
