package graph

import "github.com/octet-dnn/octet/model"

// readLazy reads the lazy parameters of g, except those that are only weights:
// passes look into all others. Weights stay lazy until an executor packs them.
func readLazy(g *Graph) error {
	for _, l := range g.Layers {
		for i, v := range l.In {
			if i == 1 && leavesWeights(l.Op) {
				continue
			}
			if err := v.readLazy(); err != nil {
				return err
			}
		}
	}
	for _, o := range g.Outputs {
		if err := o.Value.readLazy(); err != nil {
			return err
		}
	}
	return nil
}

func (v *Value) readLazy() error {
	if v == nil || v.Const == nil || !v.Const.Lazy() {
		return nil
	}
	data, err := v.Const.Bytes()
	v.Const = &model.Tensor{DType: v.DType, Dims: v.Dims, Data: data}
	return err
}

// leavesWeights reports whether passes leave the data of op's second input to
// the executor, or only scale it.
func leavesWeights(op Op) bool {
	switch op := op.(type) {
	case *Conv, *Deconv, *FC, *Mul:
		return true
	case *MatMul:
		return !op.TransY
	}
	return false
}
