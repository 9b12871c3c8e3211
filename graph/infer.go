package graph

// InferShapes computes the shape of every value of g for the given shapes of
// its inputs, constants included: see Infer.
func InferShapes(g *Graph, inputs []Shape) (map[*Value]Shape, error) {
	inf, err := Infer(g, inputs)
	if err != nil {
		return nil, err
	}
	return inf.Shapes, nil
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
