package graph

// InferShapes computes the shape of every value of g for the given shapes of
// its inputs, constants included. It fails, naming the layer, where shapes do
// not fit the network, and for inputs that contradict the declared dims.
func InferShapes(g *Graph, inputs []Shape) (map[*Value]Shape, error) {
	if len(inputs) != len(g.Inputs) {
		return nil, shapeErr("%d inputs given, the network has %d", len(inputs), len(g.Inputs))
	}
	shapes := make(map[*Value]Shape)
	for i, v := range g.Inputs {
		if err := fits(inputs[i], v.Dims); err != nil {
			return nil, &OpError{Op: "input", Var: v.Name, Err: err}
		}
		shapes[v] = inputs[i]
	}
	for _, l := range g.Layers {
		if err := inferLayer(l, shapes); err != nil {
			return nil, &OpError{Op: l.Op.Kind(), Var: l.Name, Err: err}
		}
	}
	return shapes, nil
}

func inferLayer(l *Layer, shapes map[*Value]Shape) error {
	in := make([]Shape, len(l.In))
	for i, v := range l.In {
		if v == nil {
			continue
		}
		s, ok := shapes[v]
		if !ok && v.Const != nil {
			s, ok = toShape(v.Const.Dims), true
			shapes[v] = s
		}
		if !ok {
			return programErr("input %q is used before it is computed", v.Name)
		}
		if s == nil {
			s = Shape{}
		}
		in[i] = s
	}
	out, err := l.Op.Infer(in)
	if err != nil {
		return err
	}
	if len(out) != len(l.Out) {
		return programErr("%d outputs instead of %d", len(l.Out), len(out))
	}
	for i, s := range out {
		if _, err := s.Elems(); err != nil {
			return err
		}
		if l.Out[i] != nil {
			shapes[l.Out[i]] = s
		}
	}
	return nil
}

// fits checks a shape against declared dims, of which -1 fits anything.
func fits(s Shape, dims []int64) error {
	if len(s) != len(dims) {
		return shapeErr("%v given, declared %v", s, dims)
	}
	for i, d := range dims {
		if d >= 0 && int64(s[i]) != d || s[i] < 1 {
			return shapeErr("%v given, declared %v", s, dims)
		}
	}
	_, err := s.Elems()
	return err
}
