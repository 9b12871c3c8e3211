#include "textflag.h"

// func rangeAVX512(x *float32, n int) (low, high uint32)
TEXT ·rangeAVX512(SB), NOSPLIT, $0-24
	MOVQ   x+0(FP), SI
	MOVQ   n+8(FP), CX
	VPXORD Z0, Z0, Z0
	VPXORD Z1, Z1, Z1

next:
	VMOVDQU32 (SI), Z2
	VPMAXUD   Z2, Z0, Z0
	VPMAXSD   Z2, Z1, Z1
	ADDQ      $64, SI
	SUBQ      $16, CX
	JNZ       next

	VEXTRACTI64X4 $1, Z0, Y2
	VEXTRACTI64X4 $1, Z1, Y3
	VPMAXUD       Y2, Y0, Y0
	VPMAXSD       Y3, Y1, Y1
	VEXTRACTI128  $1, Y0, X2
	VEXTRACTI128  $1, Y1, X3
	VPMAXUD       X2, X0, X0
	VPMAXSD       X3, X1, X1
	VPSHUFD       $0x4e, X0, X2
	VPSHUFD       $0x4e, X1, X3
	VPMAXUD       X2, X0, X0
	VPMAXSD       X3, X1, X1
	VPSHUFD       $0xb1, X0, X2
	VPSHUFD       $0xb1, X1, X3
	VPMAXUD       X2, X0, X0
	VPMAXSD       X3, X1, X1
	VMOVD         X0, AX
	VMOVD         X1, BX
	VZEROUPPER
	MOVL          AX, low+16(FP)
	MOVL          BX, high+20(FP)
	RET

// func binsAVX512(x *float32, n int, invWidth float32, out *uint32) int
TEXT ·binsAVX512(SB), NOSPLIT, $0-40
	MOVQ         x+0(FP), SI
	MOVQ         n+8(FP), CX
	VBROADCASTSS invWidth+16(FP), Z1
	MOVQ         out+24(FP), DI
	MOVQ         DI, DX
	MOVL         $0x7fffffff, AX
	VPBROADCASTD AX, Z3

more:
	VPANDD        (SI), Z3, Z4
	VPTESTMD      Z4, Z4, K1
	VMULPS        Z1, Z4, Z5
	VCVTTPS2DQ    Z5, Z5
	VPCOMPRESSD.Z Z5, K1, Z6
	VMOVDQU32     Z6, (DI)
	KMOVW         K1, AX
	POPCNTL       AX, AX
	LEAQ          (DI)(AX*4), DI
	ADDQ          $64, SI
	SUBQ          $16, CX
	JNZ           more

	VZEROUPPER
	SUBQ DX, DI
	SHRQ $2, DI
	MOVQ DI, ret+32(FP)
	RET
