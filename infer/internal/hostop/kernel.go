package hostop

import (
	"errors"
	"fmt"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// ErrUnsupported marks layers without a kernel here, or not for these types.
var ErrUnsupported = errors.New("not supported by the kernels in Go")

// For returns the kernel of op. Its shape operands must have been resolved (see
// graph.Inference): they are not among the tensors. All tensors are row-major
// unless the kernel's own documentation says more.
func For(op graph.Op) (Kernel, error) {
	switch op := op.(type) {
	case *graph.Identity, *graph.Reshape:
		return copyAll, nil
	case *graph.Concat:
		return concat(op), nil
	case *graph.Split:
		return split(op), nil
	case *graph.Slice:
		return slice(op), nil
	case *graph.Transpose:
		return transpose(op), nil
	case *graph.Expand:
		return expand, nil
	case *graph.Cast:
		return cast, nil
	case *graph.Act:
		return Activation(op.Activation), nil
	case *graph.Binary:
		return Binary(op), nil
	case *graph.PReLU:
		return PReLU, nil
	case *graph.Reduce:
		return Reduce(op), nil
	case *graph.Softmax:
		return softmax(op.Axis), nil
	case *graph.Resize:
		return Resize(op), nil
	}
	if k := labelKernel(op); k != nil {
		return k, nil
	}
	if k := detectKernel(op); k != nil {
		return k, nil
	}
	return nil, ErrUnsupported
}

func labelKernel(op graph.Op) Kernel {
	switch op := op.(type) {
	case *graph.CrossEntropy:
		return crossEntropy(op.IgnoreIndex)
	case *graph.SoftmaxCrossEntropy:
		return softmaxCrossEntropy(op)
	case *graph.TopK:
		return topK(op)
	case *graph.ArgMax:
		return argMax(op)
	case *graph.Accuracy:
		return accuracy
	}
	return nil
}

func detectKernel(op graph.Op) Kernel {
	switch op := op.(type) {
	case *graph.BoxCoder:
		return BoxCoder(op)
	case *graph.YOLOBox:
		return YOLOBox(op)
	case *graph.NMS:
		return NMS(op)
	}
	return nil
}

// want checks the types of the first tensors.
func want(t []*Tensor, types ...model.DType) error {
	for i, d := range types {
		if t[i] != nil && t[i].DType != d {
			return fmt.Errorf("tensor %d is %v instead of %v: %w", i, t[i].DType, d, ErrUnsupported)
		}
	}
	return nil
}
