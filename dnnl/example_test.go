//go:build cgo

package dnnl_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
)

// keep hands on what a maker returned, to be closed at the end of the example.
func keep[T io.Closer](made T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	kept = append(kept, made)
	return made
}

var kept []io.Closer

func closeAll() {
	for _, c := range kept {
		c.Close()
	}
	kept = nil
}

// place puts values into a new buffer and returns the tensor there.
func place[T dnnl.Element](e *dnnl.Engine, d *dnnl.Desc, values ...T) (*dnnl.Memory, *dnnl.Buffer) {
	b := keep(dnnl.NewBuffer(d.Size()))
	copy(dnnl.View[T](b), values)
	return keep(b.Memory(e, d, 0)), b
}

// execute adds the scratchpad that the primitive wants, executes and waits.
func execute(e *dnnl.Engine, p *dnnl.Primitive, args ...dnnl.ArgMem) {
	scratch, _ := place[byte](e, p.Desc(dnnl.ArgScratchpad))
	stream := keep(dnnl.NewStream(e))
	if err := p.Execute(stream, append(args, dnnl.ArgMem{Arg: dnnl.ArgScratchpad, Mem: scratch})...); err != nil {
		log.Fatal(err)
	}
	if err := stream.Wait(); err != nil {
		log.Fatal(err)
	}
}

// A 2x2 convolution over a 3x3 image, with a bias and a fused ReLU. Weights of
// layout Any let oneDNN choose how it wants them; a reorder brings them there.
func Example_convolution() {
	defer closeAll()
	engine := keep(dnnl.NewEngine())
	image := keep(dnnl.NewDesc([]int{1, 1, 3, 3}, dnnl.F32, dnnl.NHWC))
	result := keep(dnnl.NewDesc([]int{1, 1, 2, 2}, dnnl.F32, dnnl.NHWC))
	kernel := keep(dnnl.NewDesc([]int{1, 1, 2, 2}, dnnl.F32, dnnl.OIHW))
	packed := keep(dnnl.NewDesc([]int{1, 1, 2, 2}, dnnl.F32, dnnl.Any))
	scalar := keep(dnnl.NewDesc([]int{1}, dnnl.F32, dnnl.X))

	conv := keep(dnnl.Convolution{
		Src: image, Weights: packed, Bias: scalar, Dst: result,
		Attr: dnnl.Attr{PostOps: []dnnl.PostOp{dnnl.EltwisePostOp(dnnl.EltwiseReLU, 0, 0)}},
	}.New(engine))

	given, _ := place[float32](engine, kernel, 1, -1, 1, 1)
	weights, _ := place[float32](engine, conv.Desc(dnnl.ArgWeights))
	pack := keep(dnnl.Reorder{Src: kernel, Dst: weights.Desc()}.New(engine))
	execute(engine, pack, dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: given}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: weights})

	src, _ := place[float32](engine, image, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	bias, _ := place[float32](engine, scalar, -9)
	dst, out := place[float32](engine, result)
	execute(engine, conv,
		dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: src},
		dnnl.ArgMem{Arg: dnnl.ArgWeights, Mem: weights},
		dnnl.ArgMem{Arg: dnnl.ArgBias, Mem: bias},
		dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: dst})
	fmt.Println(dnnl.View[float32](out))
	// Output: [0 1 5 7]
}

// An INT8 convolution: u8 activations, s8 weights with a scale for every output
// channel, u8 out. A scale is what an integer is multiplied by to get the real
// number, so src holds 0.5, 1, 1.5, 2 and the weights 0.25 and -0.5.
func Example_int8Convolution() {
	defer closeAll()
	engine := keep(dnnl.NewEngine())
	image := keep(dnnl.NewDesc([]int{1, 1, 2, 2}, dnnl.U8, dnnl.NHWC))
	kernel := keep(dnnl.NewDesc([]int{2, 1, 1, 1}, dnnl.S8, dnnl.OIHW))
	result := keep(dnnl.NewDesc([]int{1, 2, 2, 2}, dnnl.U8, dnnl.NHWC))
	one := keep(dnnl.NewDesc([]int{1}, dnnl.F32, dnnl.X))
	each := keep(dnnl.NewDesc([]int{2}, dnnl.F32, dnnl.X))

	conv := keep(dnnl.Convolution{
		Src: image, Weights: kernel, Dst: result,
		Attr: dnnl.Attr{
			Scales: []dnnl.ScaleMask{
				{Arg: dnnl.ArgSrc},
				{Arg: dnnl.ArgWeights, Mask: 1 << 0}, // varies along O, the first dimension
				{Arg: dnnl.ArgDst},
			},
			PostOps: []dnnl.PostOp{dnnl.EltwisePostOp(dnnl.EltwiseLinear, 1, 1)}, // adds 1
		},
	}.New(engine))

	src, _ := place[uint8](engine, image, 1, 2, 3, 4)
	weights, _ := place[int8](engine, kernel, 64, -64)
	dst, out := place[uint8](engine, result)
	srcScale, _ := place[float32](engine, one, 0.5)
	weightScales, _ := place[float32](engine, each, 0.25/64, 0.5/64)
	dstScale, _ := place[float32](engine, one, 0.125)
	execute(engine, conv,
		dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: src},
		dnnl.ArgMem{Arg: dnnl.ArgWeights, Mem: weights},
		dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: dst},
		dnnl.ArgMem{Arg: dnnl.ArgScale(dnnl.ArgSrc), Mem: srcScale},
		dnnl.ArgMem{Arg: dnnl.ArgScale(dnnl.ArgWeights), Mem: weightScales},
		dnnl.ArgMem{Arg: dnnl.ArgScale(dnnl.ArgDst), Mem: dstScale})
	fmt.Println(out.Bytes()) // the two channels of a pixel stand side by side
	// Output: [9 6 10 4 11 2 12 0]
}

// A reorder changes layout and data type; here it turns channels-first float
// into channels-last s8, with a step of 0.5.
func Example_reorder() {
	defer closeAll()
	engine := keep(dnnl.NewEngine())
	planes := keep(dnnl.NewDesc([]int{1, 3, 1, 2}, dnnl.F32, dnnl.NCHW))
	pixels := keep(dnnl.NewDesc([]int{1, 3, 1, 2}, dnnl.S8, dnnl.NHWC))
	scalar := keep(dnnl.NewDesc([]int{1}, dnnl.F32, dnnl.X))

	quantise := keep(dnnl.Reorder{
		Src: planes, Dst: pixels,
		Attr: dnnl.Attr{Scales: []dnnl.ScaleMask{{Arg: dnnl.ArgDst}}},
	}.New(engine))

	src, _ := place[float32](engine, planes, 1, 2, 10, 20, -100, 0.7)
	dst, out := place[int8](engine, pixels)
	scale, _ := place[float32](engine, scalar, 0.5)
	execute(engine, quantise,
		dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: src},
		dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: dst},
		dnnl.ArgMem{Arg: dnnl.ArgScale(dnnl.ArgDst), Mem: scale})
	fmt.Println(dnnl.View[int8](out))
	// Output: [2 20 -128 4 40 1]
}

// A chain runs many primitives with one call, on memory that is given at each
// run and may be Go's.
func ExampleChain() {
	defer closeAll()
	engine := keep(dnnl.NewEngine())
	stream := keep(dnnl.NewStream(engine))
	row := keep(dnnl.NewDesc([]int{1, 4}, dnnl.F32, dnnl.NC))
	double := keep(dnnl.Eltwise{Alg: dnnl.EltwiseLinear, Src: row, Dst: row, Alpha: 2}.New(engine))
	relu := keep(dnnl.Eltwise{Alg: dnnl.EltwiseReLU, Src: row, Dst: row}.New(engine))

	in, out := keep(dnnl.NewMemory(engine, row, nil)), keep(dnnl.NewMemory(engine, row, nil))
	chain := keep(dnnl.NewChain([]dnnl.Step{
		{Primitive: double, Args: []dnnl.ArgMem{{Arg: dnnl.ArgSrc, Mem: in}, {Arg: dnnl.ArgDst, Mem: out}}},
		{Primitive: relu, Args: []dnnl.ArgMem{{Arg: dnnl.ArgSrc, Mem: out}, {Arg: dnnl.ArgDst, Mem: out}}},
	}, dnnl.InOrder(in, out)))

	x, y := []float32{1, -2, 3, -4}, make([]float32, 4)
	if err := chain.Run(stream, []unsafe.Pointer{unsafe.Pointer(&x[0]), unsafe.Pointer(&y[0])}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(y)
	// Output: [2 0 6 0]
}

// What oneDNN cannot do is told when the primitive is made.
func ExampleError() {
	defer closeAll()
	engine := keep(dnnl.NewEngine())
	row := keep(dnnl.NewDesc([]int{1, 4}, dnnl.F32, dnnl.NC))
	short := keep(dnnl.NewDesc([]int{1, 3}, dnnl.F32, dnnl.NC))
	_, err := dnnl.Binary{Alg: dnnl.BinaryAdd, Src0: row, Src1: short, Dst: row}.New(engine)
	fmt.Println(err)
	fmt.Println(errors.Is(err, dnnl.ErrInvalidArguments))
	// Output:
	// binary.create: invalid arguments: add, src0 f32 1x4 ab, src1 f32 1x3 ab, dst f32 1x4 ab
	// true
}
