// Package ref holds slow, exact kernels in plain Go: what every primitive of
// Octet means, written to be read and checked by hand, without cgo.
//
// Tensors are dense and row-major in their logical order (N, C, H, W). Values
// are kept as float64 whatever the element type. That is exact for all of
// them: float64 holds every f32, bf16 and s32, and sums and products of 8-bit
// integers stay below 2^53 for any dot product of fewer than 2^37 terms. So
// INT8 results are the exact integers, and FP32 results are accumulated in
// float64 and rounded once, when they are stored.
//
// Every operation is a struct with its tensors and a Run method that fills
// Dst. Parameters are spelled as oneDNN spells them: dilation 0 is dense, a
// scale multiplies a quantised value to give the real one, a zero point is
// subtracted before that. A real result y is stored as
// saturate(round(y/scale + zeroPoint)), ties going to the even integer.
//
// The definitions follow the oneDNN developer guide; where the guide and the
// library differ, the comment at the operation says so. Operations share
// nothing and may run concurrently on different destinations.
package ref
