package calibrate

import (
	"fmt"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// plainNorms gives the batch normalisations that no convolution took in mean 0,
// variance 1 and epsilon 0, which programs write as affine_channel. Of batch_norm
// real Paddle folds the parameters in float32 with an approximate square root, so
// that the last bit of its result depends on the processor, and that moves
// quanta of the layers behind; of a product and a sum there is one result.
func (q *quantizer) plainNorms() error {
	for _, l := range q.g.Layers {
		bn, ok := l.Op.(*graph.BatchNorm)
		if !ok {
			continue
		}
		mul, add, err := bn.Affine(l)
		if err != nil {
			return fmt.Errorf("quantize graph %q: %w", q.g.Name, err)
		}
		ones := make([]float32, len(mul))
		for i := range ones {
			ones[i] = 1
		}
		bn.Epsilon = 0
		for i, x := range [][]float32{mul, add, make([]float32, len(mul)), ones} {
			if l.In[1+i], err = q.constant(l.In[1+i].Name+".plain", x); err != nil {
				return err
			}
		}
	}
	return nil
}

// constant makes a vector.
func (q *quantizer) constant(name string, x []float32) (*graph.Value, error) {
	t, err := model.Float32Tensor(x, int64(len(x)))
	if err != nil {
		return nil, fmt.Errorf("quantize graph %q: %w", q.g.Name, err)
	}
	v := q.newValue(name, model.FP32)
	v.Dims, v.Const = t.Dims, t
	return v, nil
}
