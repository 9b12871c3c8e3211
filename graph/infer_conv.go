package graph

import "slices"

// Infer checks channels, groups, bias and residual, and resolves the padding.
func (c *Conv) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 2, 4); err != nil {
		return nil, err
	}
	x, f := in[0], in[1]
	w, err := c.Resolve(x, f)
	if err != nil {
		return nil, err
	}
	if c.Groups < 1 || f[0] < 1 || f[1] < 1 || f[0]%c.Groups != 0 || x[1]%c.Groups != 0 || x[1]/c.Groups != f[1] {
		return nil, shapeErr("%d input channels, filter %v and %d groups", x[1], f, c.Groups)
	}
	if err := wantVector("bias", in[2], f[0]); err != nil {
		return nil, err
	}
	out := Shape{x[0], f[0], w.Out[0], w.Out[1]}
	if in[3] != nil && !slices.Equal(in[3], out) {
		return nil, shapeErr("residual is %v, the output %v", in[3], out)
	}
	if c.Int8 != nil {
		if err := c.Int8.check(f[0], in[3] != nil); err != nil {
			return nil, err
		}
	}
	return []Shape{out}, nil
}

// Infer checks channels, groups and bias.
func (d *Deconv) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 2, 3); err != nil {
		return nil, err
	}
	x, f := in[0], in[1]
	w, err := d.Resolve(x, f)
	if err != nil {
		return nil, err
	}
	if d.Groups < 1 || f[1] < 1 || x[1] != f[0] || x[1]%d.Groups != 0 {
		return nil, shapeErr("%d input channels, filter %v and %d groups", x[1], f, d.Groups)
	}
	out := Shape{x[0], f[1] * d.Groups, w.Out[0], w.Out[1]}
	if err := wantVector("bias", in[2], out[1]); err != nil {
		return nil, err
	}
	return []Shape{out}, nil
}

// Infer resolves the window.
func (p *Pool) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	w, err := p.Resolve(in[0])
	if err != nil {
		return nil, err
	}
	return []Shape{{in[0][0], in[0][1], w.Out[0], w.Out[1]}}, nil
}

// Infer checks that the groups divide the channels.
func (s *ShuffleChannel) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	if err := wantRank("input", in[0], 4); err != nil {
		return nil, err
	}
	if s.Groups < 1 || in[0][1]%s.Groups != 0 {
		return nil, shapeErr("%d channels in %d groups", in[0][1], s.Groups)
	}
	return []Shape{slices.Clone(in[0])}, nil
}

func (r *Resize) dataInputs() int { return 1 }

func (r *Resize) with(operands [][]int) (Op, error) {
	size := slices.Concat(operands...)
	if len(size) != 2 {
		return nil, shapeErr("resizing to %v: want two numbers", size)
	}
	resolved := *r
	resolved.OutH, resolved.OutW, resolved.ScaleH, resolved.ScaleW = size[0], size[1], 0, 0
	return &resolved, nil
}

// Infer computes the resized spatial dims as Paddle does: floor(in·scale).
func (r *Resize) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if err := wantRank("input", x, 4); err != nil {
		return nil, err
	}
	h, w := r.OutH, r.OutW
	if r.ScaleH > 0 && r.ScaleW > 0 {
		h, w = int(float32(x[2])*r.ScaleH), int(float32(x[3])*r.ScaleW)
	}
	if h < 1 || w < 1 || h > maxDim || w > maxDim || x[2] < 1 || x[3] < 1 {
		return nil, shapeErr("resizing %v to %dx%d", x, h, w)
	}
	return []Shape{{x[0], x[1], h, w}}, nil
}
