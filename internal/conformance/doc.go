// Package conformance is the suite that every executor of Octet must pass:
// cases are lines of text in testdata, internal/ref says what is right, and a
// Backend computes. Package onednn beside it runs the suite on oneDNN; this
// package itself needs no cgo.
//
// # Cases
//
// A case is one line: a kind, then key=value fields and flags in any order.
// Lines that start with # are comments. In a file {a,b,c} stands for one case
// with each of a, b and c.
//
//	conv src=u8:2x16x14x14 wei=32 k=3x3 s=2x2 p=1x1 dst=u8 scales=src:0,wei:1,dst:0 post=sum:0.5,relu bias seed=7
//
// Tensors are TYPE:DIMS in the logical order N, C, H, W; types are f32, bf16,
// s32, s8, u8. Fields that several kinds share:
//
//	src=T:D+T:D    the sources
//	dst=T          type of the destination, that of the source by default; its dims follow
//	bias, bias=T   with a bias, f32 by default
//	k= s= d=       kernel, strides (1), dilations (0 is dense), as HxW
//	p=L, p=L:R     padding before and after, as HxW; R defaults to L
//	scales=A:M:V   scale of argument A (src, src1, src#0, wei, dst, dw-wei, dw-dst) with mask M; value V or seeded
//	zp=A:M:V       zero point, likewise
//	post=P,P       post-ops in order:
//	                 sum[:scale[:zeropoint[:type]]]
//	                 FUNC[:alpha[:beta]], an element-wise function such as relu or clip
//	                 FUNC:T:M, a binary one such as add with a tensor of type T that is full in the dims of mask M
//	                 dw:MID:STRIDE, a 3x3 depthwise convolution of a result stored as MID
//	stag= s1tag= wtag= dtag=  memory layouts, oneDNN's names; "any" lets the executor choose
//	seed=N         of the random data (1)
//	data=real      random reals instead of values on which f32 arithmetic is exact
//
// The kinds and the fields of their own:
//
//	conv, deconv   wei=[T:]OC, g=groups
//	ip             wei=[T:]OC
//	matmul         wei=T:D
//	pool           alg=max, avg_include or avg_exclude
//	reorder
//	eltwise        alg=, alpha=, beta=
//	binary         alg=; two sources
//	softmax        axis=, log
//	concat         axis=; any number of sources
//	sum            w=W+W, one weight a source
//	lrn            size=, alpha=, beta=, kk=, within
//	lnorm          eps=, scale, shift
//	resample       alg=nearest or linear, out=HxW
//	reduction      alg=, axes=AxA, pw=, eps=
//	shuffle        axis=, group=
//
// # Octet's own
//
// Kinds of Octet's own kernels, which compute what kinds above do, but promise
// more: a case asks for one kernel by name, and where that promises the bytes of
// oneDNN's primitives, these are computed too and compared; see Own.
//
//	dw             octet_dw: conv, wei and g are the channels, 8-bit, channels last
//	stem           octet_stem: conv; by=amx or vnni; picture=f32, the source is one and
//	               quantised to src's type; shift, see ref.Stem; special, with NaN, Inf
//	               and the like in the picture
//	stem_f32       octet_stem_f32: conv of a picture, channels first
//	smallmap       octet_smallmap: conv, channels last
//	lanes          chains with lanes; src=f32:LANESxWIDTH, rounds=, alpha=, beta=; see Lanes
//
// They share
//
//	refused        the kernel must not take the case, and the result is that of what takes it
//	threads=N      that share the work (1)
//
// # Data and what counts as equal
//
// Data comes from the seed and is the same on every machine. By default it is
// chosen so that the arithmetic of a linear operation is exact in f32 in any
// order: few-bit dyadic values, powers of two as scales. Then results must be
// equal bit by bit, ties and saturation included. Where an operation cannot be
// exact (division, roots, exponentials, data=real) the distance to the exact
// real result is bounded; tolerance.go says by what, and why.
//
// Options.PairSaturation restricts 8-bit weights for CPUs without VNNI, whose
// instructions saturate sums of two products at 16 bits.
package conformance
