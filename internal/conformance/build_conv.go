package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/octet-dnn/octet/internal/ref"
)

// geometry reads what convolutions and poolings have in common.
type geometry struct{ kernel, strides, dilations, padL, padR []int }

func (b *builder) geometry(src *ref.Tensor) (geometry, error) {
	n := len(src.Dims) - 2
	if n < 1 || n > 3 {
		return geometry{}, fmt.Errorf("src %v: want one to three spatial dims", src)
	}
	g := geometry{kernel: b.ints("k", n, 1), strides: b.ints("s", n, 1), dilations: b.ints("d", n, 0)}
	g.padL, g.padR = b.pads(n)
	for _, v := range [][]int{g.kernel, g.strides, g.dilations, g.padL, g.padR} {
		if len(v) != n || slices.Contains(g.kernel, 0) || slices.Contains(g.strides, 0) {
			return geometry{}, fmt.Errorf("k, s, d and p: want %d numbers each, k and s above 0", n)
		}
	}
	return g, nil
}

// out is the size of a convolution's or pooling's result along spatial dim d.
func (g geometry) out(in, d int) int {
	return (in-g.reach(d)+g.padL[d]+g.padR[d])/g.strides[d] + 1
}

// back is the size of a deconvolution's result.
func (g geometry) back(in, d int) int {
	return (in-1)*g.strides[d] + g.reach(d) - g.padL[d] - g.padR[d]
}

func (g geometry) reach(d int) int { return 1 + (g.kernel[d]-1)*(g.dilations[d]+1) }

func buildConv(b *builder) (ref.Op, error) { return b.convolution(geometry.out) }

func buildDeconv(b *builder) (ref.Op, error) {
	op, err := b.convolution(geometry.back)
	if err != nil {
		return nil, err
	}
	c := op.(*ref.Convolution)
	return &ref.Deconvolution{
		Src: c.Src, Weights: c.Weights, Bias: c.Bias, Dst: c.Dst,
		Strides: c.Strides, Dilations: c.Dilations, PadL: c.PadL, PadR: c.PadR, Attr: c.Attr,
	}, nil
}

func (b *builder) convolution(size func(geometry, int, int) int) (ref.Op, error) {
	src := b.tensors("src")[0]
	g, err := b.geometry(src)
	if err != nil {
		return nil, err
	}
	weiType, oc := b.weights(src.DType)
	dims := []int{oc, src.Dims[1]}
	if groups := b.integer("g", 1); b.flag("g") {
		if groups < 1 || oc%groups != 0 || src.Dims[1]%groups != 0 {
			return nil, fmt.Errorf("%d groups do not divide %d and %d channels", groups, src.Dims[1], oc)
		}
		dims = []int{groups, oc / groups, src.Dims[1] / groups}
	}
	fanIn := dims[len(dims)-1] * ref.Elems(g.kernel)
	wei := ref.NewTensor(weiType, append(dims, g.kernel...)...)
	dstDims := []int{src.Dims[0], oc}
	for d, in := range src.Dims[2:] {
		dstDims = append(dstDims, size(g, in, d))
	}
	if slices.Min(dstDims) < 1 {
		return nil, fmt.Errorf("dst dims %v", dstDims)
	}
	c := &ref.Convolution{
		Src: src, Weights: wei, Dst: ref.NewTensor(b.dtype("dst", src.DType), dstDims...),
		Strides: g.strides, Dilations: g.dilations, PadL: g.padL, PadR: g.padR,
	}
	dw := b.depthwise(c)
	b.layout("stag", ref.ArgSrc, "any")
	b.layout("wtag", ref.ArgWeights, "any")
	b.layout("dtag", ref.ArgDst, "any")
	c.Bias, c.Attr = b.product(productArgs{src: src, wei: wei, dst: c.Dst, biasDims: []int{oc}, fanIn: fanIn, dw: dw})
	if dw != nil {
		c.Dst = dw.dst
	}
	return c, nil
}

// A fusedDepthwise is what a "dw" post-op adds to a convolution.
type fusedDepthwise struct {
	op  ref.DepthwisePostOp
	dst *ref.Tensor // the result of the whole
	at  int         // the index of the post-op
}

// depthwise reads dw:MID:STRIDE and retypes c.Dst as the intermediate result.
func (b *builder) depthwise(c *ref.Convolution) *fusedDepthwise {
	posts := b.list("post")
	at := slices.IndexFunc(posts, func(p string) bool { return strings.HasPrefix(p, "dw:") })
	if at < 0 {
		return nil
	}
	var mid string
	stride := 0
	if n, err := fmt.Sscanf(strings.ReplaceAll(posts[at], ":", " "), "dw %s %d", &mid, &stride); n != 2 || stride < 1 {
		b.fail("post", fmt.Errorf("%q: want dw:TYPE:STRIDE (%v)", posts[at], err))
		return nil
	}
	midType, err := ref.ParseDType(mid)
	if err != nil {
		b.fail("post", err)
	}
	weiType := midType
	if midType.Integer() {
		weiType = ref.S8
	}
	dims := slices.Clone(c.Dst.Dims)
	weiDims := []int{dims[1], 1, 1}
	for d := 2; d < len(dims); d++ {
		dims[d] = (dims[d] + stride - 1) / stride
		weiDims = append(weiDims, 3)
	}
	dw := &fusedDepthwise{dst: ref.NewTensor(c.Dst.DType, dims...), at: at}
	dw.op = ref.DepthwisePostOp{Mid: midType, Weights: ref.NewTensor(weiType, weiDims...), Stride: stride, Padding: 1}
	dw.op.Bias = ref.NewTensor(ref.F32, weiDims[0])
	b.fill.weights("dw-wei", dw.op.Weights, midType)
	c.Dst.DType = midType
	return dw
}
