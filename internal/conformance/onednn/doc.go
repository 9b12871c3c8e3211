// Package onednn lets the conformance suite run on oneDNN, through package
// dnnl: every case becomes one primitive, its tensors are brought into the
// layouts that the primitive chose and the result is brought back.
package onednn
