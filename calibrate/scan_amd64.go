package calibrate

import "golang.org/x/sys/cpu"

// wide says that the loops of scan_amd64.s can be used: they take 16 elements at a time.
var wide = cpu.X86.HasAVX512F

// wideStep is how many elements they take; numbers of elements are multiples of it.
const wideStep = 16

// rangeAVX512 returns the largest bits of n elements, as unsigned integers and as
// signed ones, at least 0. n is positive.
//
//go:noescape
func rangeAVX512(x *float32, n int) (low, high uint32)

// binsAVX512 is binsOf for n elements, n positive. It writes up to wideStep-1
// elements of out behind what it returns.
//
//go:noescape
func binsAVX512(x *float32, n int, invWidth float32, out *uint32) int
