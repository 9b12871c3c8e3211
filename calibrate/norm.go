package calibrate

import (
	"fmt"

	"github.com/octet-dnn/octet/graph"
)

// plainNorms makes multiplications and additions of the batch normalisations
// that no convolution took in; programs write them as affine_channel. Of
// batch_norm real Paddle folds the parameters in float32 with an approximate
// square root, so that the last bit of its result depends on the processor, and
// that moves quanta of the layers behind; of a product and a sum there is one
// result.
func (q *quantizer) plainNorms() error {
	for _, l := range q.g.Layers {
		if bn, ok := l.Op.(*graph.BatchNorm); ok {
			if err := bn.Plain(l, q.names.take); err != nil {
				return fmt.Errorf("quantize graph %q: %w", q.g.Name, err)
			}
		}
	}
	return nil
}
