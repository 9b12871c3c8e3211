package graph

import "slices"

// InputShapes returns the shapes of the inputs for a batch size: the declared
// dims with the batch put for an unknown first dim. It fails if another dim is
// unknown.
func (g *Graph) InputShapes(batch int) ([]Shape, error) {
	shapes := make([]Shape, len(g.Inputs))
	for i, v := range g.Inputs {
		shapes[i] = guess(v.Dims, batch, -1)
		if slices.Contains(shapes[i], -1) {
			return nil, &OpError{Op: "input", Var: v.Name, Err: shapeErr("dims %v leave more open than the batch", v.Dims)}
		}
	}
	return shapes, nil
}

// guess replaces unknown dims: the first by batch, others by size.
func guess(dims []int64, batch, size int) Shape {
	s := toShape(dims)
	for i, d := range s {
		switch {
		case d >= 0:
		case i == 0:
			s[i] = batch
		default:
			s[i] = size
		}
	}
	return s
}

// probe infers all shapes for inputs that the declared dims allow, to validate
// a graph and to let passes see ranks and channels. Where the declaration
// leaves dims open it tries sizes until the network accepts one: a batch of 2
// first, so that a batch is not mistaken for a dim that broadcasts.
func probe(g *Graph) (map[*Value]Shape, error) {
	inf, err := Probe(g)
	if err != nil {
		return nil, err
	}
	return inf.Shapes, nil
}

// Probe infers for inputs that the declared dims of g allow, as Infer does for
// given ones. What has Contents there has Contents for every shape.
func Probe(g *Graph) (*Inference, error) {
	var first error
	for _, batch := range []int{2, 1} {
		for _, size := range []int{224, 299, 32, 256, 64, 28, 1} {
			inputs := make([]Shape, len(g.Inputs))
			for i, v := range g.Inputs {
				inputs[i] = guess(v.Dims, batch, size)
			}
			inf, err := Infer(g, inputs)
			if err == nil {
				return inf, nil
			}
			if first == nil {
				first = err
			}
		}
	}
	return nil, first
}
