package onnx

import (
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
	"github.com/octet-dnn/octet/onnx/internal/pb"
)

// conv writes a convolution, the residual sum and the activation behind it.
func (e *exporter) conv(l *graph.Layer, op *graph.Conv) error {
	in, err := e.ins(l.In[0], l.In[1], l.In[3])
	if err != nil {
		return err
	}
	bias, err := e.bias(l, l.In[2])
	if err != nil {
		return err
	}
	filter, _ := e.shapes(l.In[1])
	attrs := append(windowAttrs(op.PadMode, op.Pads, op.Strides), intAttr("group", op.Groups), intsAttr("kernel_shape", filter[2], filter[3]))
	if op.PadMode != graph.PadSame { // which Paddle does without dilations
		attrs = append(attrs, intsAttr("dilations", op.Dilations[:]...))
	}
	y, i := l.Out[0], e.infoOf(l.Out[0])
	sum := e.step(y, "Conv", i, []string{in[0], in[1], bias}, attrs...)
	if in[2] != "" {
		sum = e.step(y, "Add", i, []string{sum, in[2]})
	}
	e.give(e.act(y, op.Act, sum, i), y)
	return nil
}

// windowAttrs are what convolutions and poolings have in common. Where the two
// sides of SAME differ, the far one is larger, as SAME_UPPER means.
func windowAttrs(mode graph.PadMode, pads [4]int, strides [2]int) []*pb.Attribute {
	attrs := []*pb.Attribute{intsAttr("strides", strides[:]...)}
	switch mode {
	case graph.PadSame:
		return append(attrs, textAttr("auto_pad", "SAME_UPPER"))
	case graph.PadValid:
		pads = [4]int{}
	}
	return append(attrs, padsAttr(pads))
}

// deconv writes the pads that the graph resolves; what they are less than
// nothing is padding of the output.
func (e *exporter) deconv(l *graph.Layer, op *graph.Deconv) error {
	x, _ := e.shapes(l.In[0])
	if op.PadMode == graph.PadSame || op.OutputSize != [2]int{} {
		if _, err := e.closed(l.In[0], 2); err != nil {
			return err
		}
	}
	filter, _ := e.shapes(l.In[1])
	w, err := op.Resolve(x, filter)
	if err != nil {
		return err
	}
	in, err := e.ins(l.In...)
	if err != nil {
		return err
	}
	var more [2]int
	for i := range 2 {
		if far := &w.Pads[2*i+1]; *far < 0 {
			more[i], *far = -*far, 0
		}
	}
	y, i := l.Out[0], e.infoOf(l.Out[0])
	sum := e.step(y, "ConvTranspose", i, in, padsAttr(w.Pads), intsAttr("strides", w.Strides[:]...), intsAttr("dilations", w.Dilations[:]...),
		intsAttr("output_padding", more[:]...), intAttr("group", op.Groups), intsAttr("kernel_shape", filter[2], filter[3]))
	e.give(e.act(y, op.Act, sum, i), y)
	return nil
}

func (e *exporter) pool(l *graph.Layer, op *graph.Pool) error {
	in, err := e.ins(l.In...)
	if err != nil {
		return err
	}
	kind := "AveragePool"
	if op.Type == graph.MaxPool {
		kind = "MaxPool"
	}
	x, _ := e.shapes(l.In[0])
	switch {
	case op.Global, op.Adaptive && op.Kernel == [2]int{1, 1}:
		e.result(l.Out[0], "Global"+kind, in)
		return nil
	case op.Adaptive:
		if x, err = e.closed(l.In[0], 2); err != nil {
			return err
		}
	}
	w, err := op.Resolve(x)
	if err != nil {
		return err
	}
	if w.Adaptive {
		return e.unevenPool(l, op, w, in[0])
	}
	mode, pads := op.PadMode, op.Pads
	if op.Adaptive {
		mode, pads = graph.PadExplicit, w.Pads
	}
	attrs := append(windowAttrs(mode, pads, w.Strides), intsAttr("kernel_shape", w.Kernel[:]...), flagAttr("ceil_mode", op.CeilMode))
	if op.Type != graph.MaxPool {
		attrs = append(attrs, flagAttr("count_include_pad", op.Type == graph.AvgPoolInclusive))
	}
	e.result(l.Out[0], kind, in, attrs...)
	return nil
}

// unevenPool writes an adaptive average whose cells differ in size as a product
// with a matrix of shares for the columns, and one for the rows.
func (e *exporter) unevenPool(l *graph.Layer, op *graph.Pool, w graph.Window, x string) error {
	if op.Type == graph.MaxPool {
		return refuse("maxima of cells of different sizes")
	}
	s, _ := e.shapes(l.In[0])
	y, i := l.Out[0], e.infoOf(l.Out[0])
	rows := e.constant(l.Name+"@rows", model.FP32, []int64{int64(w.Out[0]), int64(s[2])}, shares(s[2], w.Out[0])...)
	columns := e.constant(l.Name+"@columns", model.FP32, []int64{int64(w.Out[1]), int64(s[3])}, shares(s[3], w.Out[1])...)
	half := e.infoOf(l.In[0])
	half.dims[3] = int64(w.Out[1])
	turned := e.step(y, "Transpose", plain(model.FP32, int64(s[3]), int64(w.Out[1])), []string{columns}, intsAttr("perm", 1, 0))
	mixed := e.step(y, "MatMul", half, []string{x, turned})
	e.give(e.step(y, "MatMul", i, []string{rows, mixed}), y)
	return nil
}

// shares is a matrix [out, in]: what each of in elements adds to the mean of
// each cell.
func shares(in, out int) []float64 {
	list := make([]float64, in*out)
	for c := range out {
		start, end := c*in/out, ((c+1)*in+out-1)/out
		for i := start; i < end; i++ {
			list[c*in+i] = 1 / float64(end-start)
		}
	}
	return list
}
