// Package model reads and writes PaddlePaddle inference models: the program
// (a ProgramDesc in protobuf form, or PIR in JSON) and its parameters
// (LoDTensor streams), in the forms of Paddle 1.x (__model__ with one file a
// parameter, or with __params__), 2.x (*.pdmodel with *.pdiparams) and 3.x
// (*.json with *.pdiparams). In memory there is one form of program, the
// classical one of ProgramDesc; PIR is translated when it is read or written.
//
// A loaded model is plain Go values. What a file of 1.x or 2.x held is written
// back the same: programs saved by Paddle byte for byte. Files are not trusted: see Load,
// Limits and FormatError.
package model

import "bytes"

// A Model is a program with its parameters. Params holds a tensor for every
// variable of the program that IsParam.
type Model struct {
	Program *Program
	Params  map[string]*Tensor
	// Name says where the model came from, for messages; Load sets it to the path.
	Name string
	// Source says what files the model was loaded from; nil if it was not.
	Source *Source
}

// Clone returns a model with a program of its own that shares the parameter
// tensors with m. The map of parameters is a copy.
func (m *Model) Clone() *Model {
	c := &Model{Program: m.Program.Clone(), Params: make(map[string]*Tensor, len(m.Params)), Name: m.Name, Source: m.Source}
	for name, t := range m.Params {
		c.Params[name] = t
	}
	return c
}

// lazy reports whether a parameter of m is lazy.
func (m *Model) lazy() bool {
	for _, t := range m.Params {
		if t.Lazy() {
			return true
		}
	}
	return false
}

// Equal reports whether m and o have equal programs and parameters. Names of
// the models do not count, floats are compared by their bits.
func (m *Model) Equal(o *Model) bool {
	if m == nil || o == nil {
		return m == o
	}
	if !m.Program.Equal(o.Program) || len(m.Params) != len(o.Params) {
		return false
	}
	for name, t := range m.Params {
		if u, ok := o.Params[name]; !ok || !t.Equal(u) {
			return false
		}
	}
	return true
}

// Equal reports whether p and o say the same, whatever way their files spelled
// it (Wire.Explicit does not count). Floats are compared by their bits.
func (p *Program) Equal(o *Program) bool {
	if p == nil || o == nil {
		return p == o
	}
	e := encoder{canonical: true}
	a, errA := e.program(p)
	b, errB := e.program(o)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}
