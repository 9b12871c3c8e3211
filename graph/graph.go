// Package graph holds a network as typed layers: what a Paddle program means,
// after import and fusion, and before any executor chooses kernels.
package graph

import "github.com/octet-dnn/octet/model"

// A Graph is a network in topological order. It is plain data: passes rewrite
// it in place, executors only read it. A Graph is not safe for concurrent
// modification.
type Graph struct {
	Name    string
	Inputs  []*Value // in feed order (Paddle's col)
	Outputs []Output // in fetch order
	Layers  []*Layer
}

// An Output is a value the network returns, under the name its program fetched.
type Output struct {
	Name  string
	Value *Value
}

// A Value is one tensor of the network: an input, a constant, or what a layer
// computes. Names are unique in a graph. After fusion a value keeps the name of
// the last variable that was fused into it, so that tables stay valid.
type Value struct {
	Name  string
	DType model.DType
	// Dims are the dims declared by an input (-1 where unknown, such as the
	// batch) or the exact dims of a constant. For other values they are nil:
	// see InferShapes.
	Dims []int64
	// Const is the data of a constant (a parameter), nil otherwise.
	Const *model.Tensor
	// Producer is the layer that computes the value, nil for inputs and constants.
	Producer *Layer
}

// A Layer applies one Op. In and Out have the length and meaning that the Op's
// documentation states; an absent optional input is nil.
type Layer struct {
	Name string // unique; the name of the first output
	Op   Op
	In   []*Value
	Out  []*Value
}

// An Op is what a layer computes: one of the exported structs of this package
// (Conv, Pool, ...), always held by pointer.
type Op interface {
	// Kind names the operation for messages, such as "conv".
	Kind() string
	// Infer returns the shapes of the outputs for the shapes of the inputs (nil
	// for an absent one). It checks what an executor relies on: ranks, channels,
	// groups, windows that fit.
	Infer(in []Shape) ([]Shape, error)
}

// A Shape is the exact dims of a value for one batch size.
type Shape []int
