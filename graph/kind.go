package graph

// Kind names the operation.
func (*Conv) Kind() string { return "conv" }

// Kind names the operation.
func (*Deconv) Kind() string { return "deconv" }

// Kind names the operation.
func (*FC) Kind() string { return "fc" }

// Kind names the operation.
func (*MatMul) Kind() string { return "matmul" }

// Kind names the operation.
func (*Mul) Kind() string { return "mul" }

// Kind names the operation.
func (*Pool) Kind() string { return "pool" }

// Kind names the operation.
func (*BatchNorm) Kind() string { return "batch_norm" }

// Kind names the operation.
func (*LayerNorm) Kind() string { return "layer_norm" }

// Kind names the operation.
func (*LRN) Kind() string { return "lrn" }

// Kind names the operation.
func (*Act) Kind() string { return "activation" }

// Kind names the operation.
func (*PReLU) Kind() string { return "prelu" }

// Kind names the operation.
func (*Binary) Kind() string { return "binary" }

// Kind names the operation.
func (*Softmax) Kind() string { return "softmax" }

// Kind names the operation.
func (*Concat) Kind() string { return "concat" }

// Kind names the operation.
func (*Split) Kind() string { return "split" }

// Kind names the operation.
func (*Slice) Kind() string { return "slice" }

// Kind names the operation.
func (*Reshape) Kind() string { return "reshape" }

// Kind names the operation.
func (*Transpose) Kind() string { return "transpose" }

// Kind names the operation.
func (*ShuffleChannel) Kind() string { return "shuffle_channel" }

// Kind names the operation.
func (*Pad) Kind() string { return "pad" }

// Kind names the operation.
func (*Resize) Kind() string { return "resize" }

// Kind names the operation.
func (r *Reduce) Kind() string { return "reduce_" + r.Type.String() }

// Kind names the operation.
func (*Cast) Kind() string { return "cast" }

// Kind names the operation.
func (*Identity) Kind() string { return "identity" }

// Kind names the operation.
func (*Quantize) Kind() string { return "quantize" }

// Kind names the operation.
func (*Dequantize) Kind() string { return "dequantize" }

// Kind names the operation.
func (*Requantize) Kind() string { return "requantize" }

// Kind names the operation.
func (*CrossEntropy) Kind() string { return "cross_entropy" }

// Kind names the operation.
func (*SoftmaxCrossEntropy) Kind() string { return "softmax_cross_entropy" }

// Kind names the operation.
func (*TopK) Kind() string { return "top_k" }

// Kind names the operation.
func (*ArgMax) Kind() string { return "arg_max" }

// Kind names the operation.
func (*Accuracy) Kind() string { return "accuracy" }
