package dnnl

import "github.com/octet-dnn/octet/cgo"

// ArgMem is a memory and what it is to the primitive.
type ArgMem struct {
	Arg Arg
	Mem *Memory
}

// Execute submits the primitive to the stream with its arguments, which must be
// all that it needs, laid out as its descriptors say. Results may be read after
// [Stream.Wait]; until then nothing that takes part may be closed.
func (p *Primitive) Execute(s *Stream, args ...ArgMem) error {
	op := p.opExecute
	if err := s.acquire(op); err != nil {
		return err
	}
	defer s.own.drop()
	if s.team != nil {
		return invalid(op, "the stream of a team runs only chains")
	}
	var few [16]cgo.ExecArg
	list, err := p.acquire(op, few[:0], args, nil)
	if err != nil {
		return err
	}
	st := p.own.handle.Execute(s.own.handle, list)
	p.drop(args)
	return check(op, st, p.text)
}

// acquire makes p and the memories of an execution its own, checks that they
// fit and appends their handles to list. If it fails it has let go of all
// again. A memory without a place must be among bound.
func (p *Primitive) acquire(op string, list []cgo.ExecArg, args []ArgMem, bound []Bound) ([]cgo.ExecArg, error) {
	if !p.own.acquire() {
		return nil, closed(op, p.text)
	}
	for i, a := range args {
		err := p.checkArg(op, a, bound)
		if err == nil && !a.Mem.own.acquire() {
			err = closed(op, a.Arg.String()+" of "+p.text)
		}
		if err != nil {
			p.drop(args[:i])
			return nil, err
		}
		list = append(list, cgo.ExecArg{Arg: int32(a.Arg), Memory: a.Mem.own.handle})
	}
	if err := p.checkArgs(op, list, args); err != nil {
		p.drop(args)
		return nil, err
	}
	return list, nil
}

func (p *Primitive) drop(args []ArgMem) {
	for _, a := range args {
		a.Mem.own.drop()
	}
	p.own.drop()
}

func (p *Primitive) checkArg(op string, a ArgMem, bound []Bound) error {
	if a.Mem == nil {
		return invalid(op, "no memory for %v of %s", a.Arg, p.text)
	}
	if a.Mem.placed {
		return nil
	}
	for _, b := range bound {
		if b.Mem == a.Mem {
			return nil
		}
	}
	return invalid(op, "%v (%s) has no place and is not bound, of %s", a.Arg, a.Mem.desc, p.text)
}

// checkArgs finds what oneDNN itself would not: it reads through the null
// pointer of a missing argument, and past the end of a memory that is smaller
// than the primitive expects.
func (p *Primitive) checkArgs(op string, list []cgo.ExecArg, args []ArgMem) error {
	for _, need := range p.required {
		found := false
		for _, a := range args {
			found = found || a.Arg == need
		}
		if !found {
			return invalid(op, "no %v given, of %s", need, p.text)
		}
	}
	for _, v := range p.vectors {
		for _, a := range args {
			d := a.Mem.desc
			if a.Arg == v.arg && (d.DataType() != v.dataType || d.Size() < v.count*v.dataType.Size()) {
				return invalid(op, "%v is %s, expected %d of %v, of %s", a.Arg, d, v.count, v.dataType, p.text)
			}
		}
	}
	if i := p.own.handle.Mismatch(list); i >= 0 {
		return invalid(op, "%v is %s, expected %s, of %s", args[i].Arg, args[i].Mem.desc, p.Desc(args[i].Arg), p.text)
	}
	return nil
}
