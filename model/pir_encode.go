package model

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// encodePIR writes p as a PIR program in JSON, on one line, as Paddle 3.3
// does. What PIR cannot hold is refused.
func encodePIR(p *Program) ([]byte, error) {
	if len(p.Blocks) != 1 {
		return nil, unsupported("program", "one block to write as PIR", fmt.Sprint(len(p.Blocks)))
	}
	w := newPIRWriter(p.Blocks[0])
	if err := w.writable(); err != nil {
		return nil, err
	}
	if err := w.run(p); err != nil {
		return nil, err
	}
	type object = map[string]any
	head := struct {
		Magic     string `json:"magic"`
		Trainable bool   `json:"trainable"`
		Version   int    `json:"version"`
	}{"pir", true, pirVersion}
	block := struct {
		Name string      `json:"#"`
		Args []string    `json:"args"`
		Ops  []pirJSONOp `json:"ops"`
	}{"block_0", []string{}, w.ops}
	region := struct {
		Name   string `json:"#"`
		Blocks []any  `json:"blocks"`
	}{"region_0", []any{block}}
	return json.Marshal(object{"base_code": head, "program": object{"regions": []any{region}}})
}

// A pirWriter translates a block operator by operator. A variable that is
// written twice is two values in PIR.
type pirWriter struct {
	block *Block
	vars  map[string]*Var
	env   map[string]int64 // the value that a variable holds at this point
	elems map[string]DType // its element type, where that is known better than declared
	last  map[string]*Op   // who writes a variable last: that value keeps its name
	op    *Op              // the operator of the program that is being written
	next  int64
	ops   []pirJSONOp
}

func newPIRWriter(b *Block) *pirWriter {
	w := &pirWriter{block: b, ops: []pirJSONOp{}, vars: make(map[string]*Var), env: make(map[string]int64), elems: make(map[string]DType), last: make(map[string]*Op)}
	for _, v := range b.Vars {
		w.vars[v.Name] = v
	}
	for _, o := range b.Ops {
		for _, s := range o.Outputs {
			for _, arg := range s.Args {
				w.last[arg] = o
			}
		}
	}
	return w
}

// writable reports all operators at once that PIR does not have.
func (w *pirWriter) writable() error {
	var missing []string
	for _, o := range w.block.Ops {
		if o.Type != feedOp && o.Type != fetchOp && pirWriters[o.Type] == nil && classicalRow(o) == nil {
			missing = append(missing, o.Type)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return unsupported("program", "operators that have a form in PIR", strings.Join(slices.Compact(missing), ", "))
}

// onlyClassical refuses operators that came from PIR and have no other form.
func onlyClassical(p *Program) error {
	var missing []string
	for _, b := range p.Blocks {
		for _, o := range b.Ops {
			for _, d := range dialects {
				if strings.HasPrefix(o.Type, d+".") {
					missing = append(missing, o.Type)
				}
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return unsupported("program", "operators that have a form outside PIR", strings.Join(slices.Compact(missing), ", "))
}

func (w *pirWriter) run(p *Program) error {
	for _, v := range w.block.Vars {
		if !v.IsParam() {
			continue
		}
		if err := w.parameter(v); err != nil {
			return err
		}
	}
	for _, name := range p.Feeds() {
		if err := w.feed(w.vars[name]); err != nil {
			return err
		}
	}
	type output struct {
		col   int64
		name  string
		value int64
	}
	var outputs []output
	for i, o := range w.block.Ops {
		w.op = o
		var err error
		switch o.Type {
		case feedOp:
		case fetchOp: // the value of this moment
			name := columnArgs(o)[0]
			var id int64
			id, err = w.value(name)
			outputs = append(outputs, output{o.Int("col", 0), name, id})
		default:
			err = w.write(o)
		}
		if err != nil {
			return inPIROp(err, fmt.Sprintf("op %d %s", i, quote(o.Type)), -1)
		}
	}
	slices.SortStableFunc(outputs, func(a, b output) int { return cmp.Compare(a.col, b.col) })
	for _, x := range outputs {
		if err := w.fetch(x.name, x.value, int32(x.col)); err != nil {
			return err
		}
	}
	return nil
}

// write appends the PIR form of a classical operator.
func (w *pirWriter) write(o *Op) error {
	if special := pirWriters[o.Type]; special != nil {
		return special(w, o)
	}
	return w.byRow(o, classicalRow(o))
}

// value returns the number of what a variable holds.
func (w *pirWriter) value(name string) (int64, error) {
	id, ok := w.env[name]
	if !ok {
		return 0, malformed("variable "+quote(name), "a value written before", "none, or one that PIR does not have")
	}
	return id, nil
}

// typeOf returns the type of a variable: what the program declares, but for the
// element type of what was written to it.
func (w *pirWriter) typeOf(name string) (pirType, error) {
	v := w.vars[name]
	if v == nil || v.Type != VarLoDTensor {
		return pirType{}, unsupported("variable "+quote(name), "a tensor", "something else")
	}
	t := pirType{dtype: v.DType, dims: v.Dims}
	if d, ok := w.elems[name]; ok {
		t.dtype = d
	}
	return t, nil
}

// An outcome is a result that is to be written: its type, and the variable
// that it becomes; "" for none.
type outcome struct {
	typ  pirType
	name string
}

// emit appends an operator and returns the numbers of its results. The
// variables among them hold those from now on.
func (w *pirWriter) emit(name string, attrs []pirJSONAttr, in []int64, results ...outcome) ([]int64, error) {
	o := pirJSONOp{Name: name, Operands: make([]pirJSONRef, len(in))}
	for i, id := range in {
		o.Operands[i].ID = id
	}
	list := make([]pirJSONResult, len(results))
	ids := make([]int64, len(results))
	grads := make([]bool, len(results))
	for i, r := range results {
		w.next++
		ids[i], grads[i] = w.next, true
		t, err := r.typ.encode()
		if err != nil {
			return nil, inPIROp(err, "variable "+quote(r.name), -1)
		}
		list[i] = pirJSONResult{ID: ids[i], Type: t}
		if r.name == "" {
			continue
		}
		w.env[r.name], w.elems[r.name] = ids[i], r.typ.dtype
		if w.last[r.name] == w.op && !w.guessed(name, r.name, ids[i]) {
			list[i].Name = r.name
		}
	}
	if attrs == nil {
		attrs = []pirJSONAttr{}
	}
	stop, err := encodeArray(pirBool, grads)
	if err != nil {
		return nil, err
	}
	extra := []pirJSONAttr{{Name: "stop_gradient", Value: stop}}
	if name == "1.fetch" {
		extra = slices.Insert(extra, 0, pirJSONAttr{Name: "persistable", Value: stop})
	}
	for _, part := range []struct {
		to   *json.RawMessage
		from any
	}{{&o.Attrs, attrs}, {&o.Results, list}, {&o.ResultAttrs, extra}} {
		if *part.to, err = json.Marshal(part.from); err != nil {
			return nil, err
		}
	}
	w.ops = append(w.ops, o)
	return ids, nil
}

// guessed reports whether a reader will call the variable of a value so anyway.
func (w *pirWriter) guessed(op, name string, id int64) bool {
	row := pirRow(op[2:])
	return row != nil && row.op == w.op.Type && name == variableName(row.op, id)
}

// parameter writes the short form that parameters have.
func (w *pirWriter) parameter(v *Var) error {
	w.next++
	w.env[v.Name] = w.next
	t, err := pirType{dtype: v.DType, dims: v.Dims}.encode()
	if err != nil {
		return inPIROp(err, "parameter "+quote(v.Name), -1)
	}
	o := pirJSONOp{Name: "p", DistAttrs: []byte("[]"), QuantAttrs: []byte("[]"), ResultAttrs: []byte("[1,0,1]")}
	if o.Results, err = json.Marshal(pirJSONResult{ID: w.next, Type: t}); err != nil {
		return err
	}
	o.Attrs, err = json.Marshal([]any{0, 1, 1, v.Name})
	w.ops = append(w.ops, o)
	return err
}

func (w *pirWriter) feed(v *Var) error {
	t, err := w.typeOf(v.Name)
	if err != nil {
		return err
	}
	_, err = w.emit("1.data", []pirJSONAttr{
		pirAttribute("name", pirStr, v.Name), {intArray(v.Dims), "shape"},
		pirAttribute("dtype", pirDType, int32(v.DType)), anyPlace,
	}, nil, outcome{typ: t})
	w.env[v.Name] = w.next
	return err
}

func (w *pirWriter) fetch(name string, id int64, col int32) error {
	t, err := w.typeOf(name)
	if err != nil {
		return err
	}
	_, err = w.emit("1.fetch", []pirJSONAttr{pirAttribute("name", pirStr, name), pirAttribute("col", pirI32, col)}, []int64{id}, outcome{typ: t})
	return err
}
