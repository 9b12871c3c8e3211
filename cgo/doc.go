// Package cgo is the only package of Octet that imports "C": a flat layer over
// the C API of oneDNN v3, versions 3.1 and up.
//
// It holds handles, status codes and calls, and nothing else: no defaults, no
// checks of arguments, no ownership. Every handle that a Create function
// returns with [StatusSuccess] must be destroyed exactly once, after the last
// call that uses it. Programs use package dnnl, which takes care of all that.
//
// Without cgo the package still builds, so that everything above it can be
// vetted and cross-compiled; every call then returns [StatusNoCgo].
package cgo
