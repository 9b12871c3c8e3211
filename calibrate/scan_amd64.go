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

// countAVX512 is rangeAVX512, and counts those elements that are not zero in their bins;
// filled is how many they are. Where an element is none of Bins bins, counts are
// wrong, but there are as many. list has room for binChunk+wideStep bins.
//
//go:noescape
func countAVX512(x *float32, n int, invWidth float32, list, counts *uint32) (low, high uint32, filled int)

// drainAVX512 adds n counts to dst and clears them. n is positive.
//
//go:noescape
func drainAVX512(counts *uint32, dst *uint64, n int)
