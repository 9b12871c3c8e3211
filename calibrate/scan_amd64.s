#include "go_asm.h"
#include "textflag.h"

// RANGE_OF_LANES leaves in AX and BX the largest of the lanes of Z8, unsigned, and of Z9, signed.
#define RANGE_OF_LANES \
	VEXTRACTI64X4 $1, Z8, Y2; \
	VEXTRACTI64X4 $1, Z9, Y3; \
	VPMAXUD       Y2, Y8, Y0; \
	VPMAXSD       Y3, Y9, Y1; \
	VEXTRACTI128  $1, Y0, X2; \
	VEXTRACTI128  $1, Y1, X3; \
	VPMAXUD       X2, X0, X0; \
	VPMAXSD       X3, X1, X1; \
	VPSHUFD       $0x4e, X0, X2; \
	VPSHUFD       $0x4e, X1, X3; \
	VPMAXUD       X2, X0, X0; \
	VPMAXSD       X3, X1, X1; \
	VPSHUFD       $0xb1, X0, X2; \
	VPSHUFD       $0xb1, X1, X3; \
	VPMAXUD       X2, X0, X0; \
	VPMAXSD       X3, X1, X1; \
	VMOVD         X0, AX; \
	VMOVD         X1, BX

// func rangeAVX512(x *float32, n int) (low, high uint32)
TEXT ·rangeAVX512(SB), NOSPLIT, $0-24
	MOVQ   x+0(FP), SI
	MOVQ   n+8(FP), CX
	VPXORD Z8, Z8, Z8
	VPXORD Z9, Z9, Z9

next:
	VMOVDQU32 (SI), Z2
	VPMAXUD   Z2, Z8, Z8
	VPMAXSD   Z2, Z9, Z9
	ADDQ      $64, SI
	SUBQ      $16, CX
	JNZ       next

	RANGE_OF_LANES
	VZEROUPPER
	MOVL          AX, low+16(FP)
	MOVL          BX, high+20(FP)
	RET

// func countAVX512(x *float32, n int, invWidth float32, list, counts *uint32) (low, high uint32, filled int)
//
// Sorting into bins is 5 cycles for 16 elements, counting at least one for each: a core
// stores once a cycle. A list in between keeps the two apart, and zeros out.
TEXT ·countAVX512(SB), NOSPLIT, $0-56
	MOVQ         x+0(FP), SI
	MOVQ         n+8(FP), CX
	VBROADCASTSS invWidth+16(FP), Z1
	MOVQ         list+24(FP), R9
	MOVQ         counts+32(FP), R8
	MOVL         $0x7fffffff, AX
	VPBROADCASTD AX, Z3
	MOVL         $(const_Bins-1), AX
	VPBROADCASTD AX, Z7
	VPXORD       Z8, Z8, Z8
	VPXORD       Z9, Z9, Z9
	XORQ         R12, R12

chunk:
	MOVQ    $const_binChunk, R10
	CMPQ    CX, R10
	CMOVQLT CX, R10
	SUBQ    R10, CX
	MOVQ    R9, DI

sort:
	PREFETCHT0    (4*const_binChunk)(SI) // arrives while this chunk is counted
	VMOVDQU32     (SI), Z2
	VPMAXUD       Z2, Z8, Z8
	VPMAXSD       Z2, Z9, Z9
	VPANDD        Z2, Z3, Z4
	VPTESTMD      Z4, Z4, K1
	VMULPS        Z1, Z4, Z5
	VCVTTPS2DQ    Z5, Z5
	VPANDD        Z7, Z5, Z5
	VPCOMPRESSD.Z Z5, K1, Z6
	VMOVDQU32     Z6, (DI)
	KMOVW         K1, AX
	POPCNTL       AX, AX
	LEAQ          (DI)(AX*4), DI
	ADDQ          $64, SI
	SUBQ          $16, R10
	JNZ           sort

	SUBQ R9, DI
	SHRQ $2, DI
	ADDQ DI, R12
	MOVQ R9, R11
	SUBQ $8, DI
	JLT  rest

eight:
	MOVL 0(R11), AX
	MOVL 4(R11), BX
	MOVL 8(R11), DX
	MOVL 12(R11), R13
	INCL (R8)(AX*4)
	INCL (R8)(BX*4)
	INCL (R8)(DX*4)
	INCL (R8)(R13*4)
	MOVL 16(R11), AX
	MOVL 20(R11), BX
	MOVL 24(R11), DX
	MOVL 28(R11), R13
	INCL (R8)(AX*4)
	INCL (R8)(BX*4)
	INCL (R8)(DX*4)
	INCL (R8)(R13*4)
	ADDQ $32, R11
	SUBQ $8, DI
	JGE  eight

rest:
	ADDQ $8, DI
	JZ   counted

one:
	MOVL (R11), AX
	INCL (R8)(AX*4)
	ADDQ $4, R11
	DECQ DI
	JNZ  one

counted:
	TESTQ CX, CX
	JNZ   chunk

	RANGE_OF_LANES
	VZEROUPPER
	MOVL          AX, low+40(FP)
	MOVL          BX, high+44(FP)
	MOVQ          R12, filled+48(FP)
	RET

// func drainAVX512(counts *uint32, dst *uint64, n int)
TEXT ·drainAVX512(SB), NOSPLIT, $0-24
	MOVQ   counts+0(FP), SI
	MOVQ   dst+8(FP), DI
	MOVQ   n+16(FP), CX
	VPXORD Z0, Z0, Z0

move:
	VPMOVZXDQ (SI), Z1
	VPMOVZXDQ 32(SI), Z2
	VMOVDQU32 Z0, (SI)
	VPADDQ    (DI), Z1, Z1
	VPADDQ    64(DI), Z2, Z2
	VMOVDQU64 Z1, (DI)
	VMOVDQU64 Z2, 64(DI)
	ADDQ      $64, SI
	ADDQ      $128, DI
	SUBQ      $16, CX
	JNZ       move

	VZEROUPPER
	RET
