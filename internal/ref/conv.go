package ref

import (
	"fmt"
	"slices"
)

// Convolution is the cross-correlation of deep learning, over one to three
// spatial dims:
//
//	dst(n,oc,o) = bias(oc) + sum over ic, k of src(n,ic,o*S+k*(D+1)-PadL) * wei(oc,ic,k)
//
// Weights are OC x IC x K..., or G x OC/G x IC/G x K... for groups. Zero
// points of the source are subtracted inside the image only: padding is real 0.
type Convolution struct {
	Src, Weights, Bias, Dst        *Tensor // Bias nil for none
	Strides, Dilations, PadL, PadR []int
	Attr                           Attr
	Dot                            Dot // nil means ExactDot
}

// Run fills Dst.
func (c *Convolution) Run() error {
	if i := slices.IndexFunc(c.Attr.PostOps, isDepthwise); i >= 0 {
		return c.runFused(i)
	}
	if err := correlate(c, false); err != nil {
		return fmt.Errorf("ref: convolution: %w", err)
	}
	return nil
}

// Deconvolution is the transpose of a convolution: each input is spread over
// the output by the kernel,
//
//	dst(n,oc,i*S+k*(D+1)-PadL) += src(n,ic,i) * wei(oc,ic,k)
//
// with weights and attributes as for Convolution.
type Deconvolution struct {
	Src, Weights, Bias, Dst        *Tensor
	Strides, Dilations, PadL, PadR []int
	Attr                           Attr
}

// Run fills Dst.
func (d *Deconvolution) Run() error {
	c := &Convolution{
		Src: d.Src, Weights: d.Weights, Bias: d.Bias, Dst: d.Dst,
		Strides: d.Strides, Dilations: d.Dilations, PadL: d.PadL, PadR: d.PadR, Attr: d.Attr,
	}
	if err := correlate(c, true); err != nil {
		return fmt.Errorf("ref: deconvolution: %w", err)
	}
	return nil
}

// channels counts what a grouped convolution has of each.
type channels struct{ groups, in, out int } // in and out are those of one group

func (c *Convolution) channels() (channels, []int, error) {
	wei := c.Weights.Dims
	if len(wei) == len(c.Src.Dims) {
		wei = append([]int{1}, wei...)
	}
	if len(wei) != len(c.Src.Dims)+1 || len(wei) < 4 {
		return channels{}, nil, fmt.Errorf("src %v, weights %v: %w", c.Src, c.Weights, ErrShape)
	}
	ch := channels{groups: wei[0], out: wei[1], in: wei[2]}
	if c.Src.Dims[1] != ch.groups*ch.in || c.Dst.Dims[1] != ch.groups*ch.out || c.Src.Dims[0] != c.Dst.Dims[0] {
		return ch, nil, fmt.Errorf("src %v, weights %v, dst %v: %w", c.Src, c.Weights, c.Dst, ErrShape)
	}
	if c.Bias != nil && !slices.Equal(c.Bias.Dims, c.Dst.Dims[1:2]) {
		return ch, nil, fmt.Errorf("bias %v, dst %v: %w", c.Bias, c.Dst, ErrShape)
	}
	return ch, wei[3:], nil
}

// correlate computes both directions: they differ in window.source alone.
func correlate(c *Convolution, transposed bool) error {
	ch, kernel, err := c.channels()
	if err != nil {
		return err
	}
	win, err := newWindow(c.Src.Dims, kernel, c.Dst.Dims, c.Strides, c.Dilations, c.PadL, c.PadR, transposed)
	if err != nil {
		return err
	}
	factor, err := c.factors(ch)
	if err != nil {
		return err
	}
	out, err := newSink(c.Attr, c.Dst)
	if err != nil {
		return err
	}
	dot := c.Dot
	if dot == nil {
		dot = ExactDot
	}

	src, err := c.sourceByPoint(win)
	if err != nil {
		return err
	}
	wei := c.weightsByPoint(ch, win.kernel.elems())
	index := make([]int, len(c.Dst.Dims))
	var taps []tap
	for n := range c.Dst.Dims[0] {
		win.out.points(func(_ int, o point) {
			index[0] = n
			copy(index[2:], o[3-(len(index)-2):])
			taps = win.taps(taps[:0], o, src[n])
			for oc := range ch.groups * ch.out {
				first := oc / ch.out * ch.in
				acc := 0.0
				for _, t := range taps {
					acc += dot(t.channels[first:first+ch.in], wei[oc][t.point])
				}
				acc *= factor[oc]
				if c.Bias != nil {
					acc += c.Bias.Data[oc]
				}
				index[1] = oc
				out.store(index, acc)
			}
		})
	}
	return nil
}

// A tap is a kernel point that is not padding, with the channels it reads.
type tap struct {
	point    int
	channels []float64
}

// taps appends those of the output position out; image is by position.
func (w *window) taps(list []tap, out point, image [][]float64) []tap {
	w.kernel.points(func(i int, k point) {
		if in, ok := w.source(out, k); ok {
			list = append(list, tap{i, image[w.in.offset(in)]})
		}
	})
	return list
}

// factors returns, for each output channel, the product of the source's scale
// and the weights' scale: what makes an accumulator a real value.
func (c *Convolution) factors(ch channels) ([]float64, error) {
	if c.Attr.Scales[ArgSrc].Mask != 0 {
		return nil, fmt.Errorf("scale of src: one value only: %w", ErrShape)
	}
	src, err := c.Attr.scale(ArgSrc, c.Src)
	if err != nil {
		return nil, err
	}
	wei, err := c.Attr.scale(ArgWeights, c.Weights)
	if err != nil {
		return nil, err
	}
	f := make([]float64, ch.groups*ch.out)
	index := make([]int, len(c.Weights.Dims))
	for oc := range f {
		if len(index) > len(c.Src.Dims) {
			index[0], index[1] = oc/ch.out, oc%ch.out
		} else {
			index[0] = oc
		}
		f[oc] = src(make([]int, len(c.Src.Dims))) * wei(index)
	}
	return f, nil
}

// sourceByPoint rearranges the source as [n][position][channel], minus its
// zero points, so that the channels of a position are one run.
func (c *Convolution) sourceByPoint(win *window) ([][][]float64, error) {
	zero, err := c.Attr.zeroPoint(ArgSrc, c.Src)
	if err != nil {
		return nil, err
	}
	images, channels, positions := c.Src.Dims[0], c.Src.Dims[1], win.in.elems()
	src := make([][][]float64, images)
	for n := range src {
		src[n] = make([][]float64, positions)
		for p := range src[n] {
			src[n][p] = make([]float64, channels)
		}
	}
	for i, index := range Indices(c.Src.Dims) {
		src[index[0]][i%positions][index[1]] = c.Src.Data[i] - zero(index)
	}
	return src, nil
}

// weightsByPoint rearranges the weights as [output channel][kernel point][input channel].
func (c *Convolution) weightsByPoint(ch channels, points int) [][][]float64 {
	wei := make([][][]float64, ch.groups*ch.out)
	for oc := range wei {
		wei[oc] = make([][]float64, points)
		for k := range wei[oc] {
			wei[oc][k] = make([]float64, ch.in)
			for ic := range ch.in {
				wei[oc][k][ic] = c.Weights.Data[(oc*ch.in+ic)*points+k]
			}
		}
	}
	return wei
}

func isDepthwise(p PostOp) bool { _, ok := p.(DepthwisePostOp); return ok }

// runFused runs a 1x1 convolution whose post-op at is a depthwise convolution.
func (c *Convolution) runFused(at int) error {
	dw := c.Attr.PostOps[at].(DepthwisePostOp)
	midDims := append([]int{c.Dst.Dims[0], c.Dst.Dims[1]}, c.Src.Dims[2:]...)
	mid := NewTensor(dw.Mid, midDims...)
	first := *c
	first.Dst, first.Attr.PostOps = mid, c.Attr.PostOps[:at]
	if err := first.Run(); err != nil {
		return err
	}
	same := func(v int) []int { return slices.Repeat([]int{v}, len(midDims)-2) }
	second := Convolution{
		Src: mid, Weights: dw.Weights, Bias: dw.Bias, Dst: c.Dst, Dot: c.Dot,
		Strides: same(dw.Stride), PadL: same(dw.Padding), PadR: rightPads(dw, midDims, c.Dst.Dims),
		Attr: Attr{
			Scales:  map[Arg]Param{ArgSrc: c.Attr.Scales[ArgDst], ArgWeights: dw.WeightsScale, ArgDst: dw.DstScale},
			PostOps: c.Attr.PostOps[at+1:],
		},
	}
	return second.Run()
}

// rightPads returns what must follow the last column so that the depthwise
// window gives dst: with a stride the padding on the right may be less.
func rightPads(dw DepthwisePostOp, mid, dst []int) []int {
	pads := make([]int, len(mid)-2)
	for d := range pads {
		kernel := dw.Weights.Dims[d+3]
		pads[d] = (dst[d+2]-1)*dw.Stride + kernel - mid[d+2] - dw.Padding
	}
	return pads
}
