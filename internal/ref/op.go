package ref

// An Op is an operation with its tensors bound.
type Op interface {
	// Run computes the result into the destination. It fails on shapes,
	// masks or algorithms that do not fit, with an error that wraps ErrShape.
	Run() error

	// Result is the destination tensor.
	Result() *Tensor
}

func (o *Convolution) Result() *Tensor   { return o.Dst } // Result is Dst.
func (o *Deconvolution) Result() *Tensor { return o.Dst } // Result is Dst.
func (o *InnerProduct) Result() *Tensor  { return o.Dst } // Result is Dst.
func (o *MatMul) Result() *Tensor        { return o.Dst } // Result is Dst.
func (o *Pooling) Result() *Tensor       { return o.Dst } // Result is Dst.
func (o *Reorder) Result() *Tensor       { return o.Dst } // Result is Dst.
func (o *Eltwise) Result() *Tensor       { return o.Dst } // Result is Dst.
func (o *Binary) Result() *Tensor        { return o.Dst } // Result is Dst.
func (o *Softmax) Result() *Tensor       { return o.Dst } // Result is Dst.
func (o *Concat) Result() *Tensor        { return o.Dst } // Result is Dst.
func (o *Sum) Result() *Tensor           { return o.Dst } // Result is Dst.
func (o *LRN) Result() *Tensor           { return o.Dst } // Result is Dst.
func (o *LayerNorm) Result() *Tensor     { return o.Dst } // Result is Dst.
func (o *Resampling) Result() *Tensor    { return o.Dst } // Result is Dst.
func (o *Reduction) Result() *Tensor     { return o.Dst } // Result is Dst.
func (o *Shuffle) Result() *Tensor       { return o.Dst } // Result is Dst.
