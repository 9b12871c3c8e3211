package graph

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/octet-dnn/octet/model"
)

// MACs returns how many multiplications with weights g does for inputs of the
// given shapes: those of convolutions and fully connected layers.
func MACs(g *Graph, inputs []Shape) (int64, error) {
	shapes, err := InferShapes(g, inputs)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, l := range g.Layers {
		sum += LayerMACs(l, shapes)
	}
	return sum, nil
}

// LayerMACs is MACs of one layer, for shapes from InferShapes. It is 0 for
// layers without weights.
func LayerMACs(l *Layer, shapes map[*Value]Shape) int64 {
	weights := func(from int) int64 { return int64(prod(shapes[l.In[1]][from:])) }
	switch l.Op.(type) {
	case *Conv:
		return int64(prod(shapes[l.Out[0]])) * weights(1)
	case *Deconv:
		return int64(prod(shapes[l.In[0]])) * weights(1)
	case *FC:
		return int64(prod(shapes[l.Out[0]])) * int64(shapes[l.In[1]][0])
	}
	return 0
}

// String describes g layer by layer for batch 1: kind, parameters, shape and
// type of the output, scales, multiplications.
func (g *Graph) String() string {
	var b strings.Builder
	if err := g.Dump(&b); err != nil {
		fmt.Fprintf(&b, "%v\n", err)
	}
	return b.String()
}

// Dump writes what String returns. It fails if the declared dims of the inputs
// leave shapes open that the network does not accept, or if w does.
func (g *Graph) Dump(w io.Writer) error {
	shapes, err := dumpShapes(g)
	if err != nil {
		return err
	}
	buf := bufio.NewWriter(w)
	fmt.Fprintf(buf, "%s\n", g.Name)
	t := tabwriter.NewWriter(buf, 0, 0, 2, ' ', 0)
	for _, v := range g.Inputs {
		fmt.Fprintf(t, "input\t%s\t%v\t%v\t\t\n", v.Name, shapes[v], shortType(v.DType))
	}
	var total int64
	for _, l := range g.Layers {
		macs := LayerMACs(l, shapes)
		total += macs
		fmt.Fprintf(t, "%s\t%s\t%v\t%s\t%s\t%s\n", l.Op.Kind(), l.Name, shapes[l.Out[0]], shortType(l.Out[0].DType), mega(macs), details(l))
	}
	for _, o := range g.Outputs {
		fmt.Fprintf(t, "output\t%s\t%v\t%s\t\t<- %s\n", o.Name, shapes[o.Value], shortType(o.Value.DType), o.Value.Name)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(buf, "%d layers, %s multiplications at this size\n", len(g.Layers), mega(total))
	return buf.Flush()
}

// dumpShapes infers for batch 1 or, failing that, for whatever is accepted.
func dumpShapes(g *Graph) (map[*Value]Shape, error) {
	if inputs, err := g.InputShapes(1); err == nil {
		if shapes, err := InferShapes(g, inputs); err == nil {
			return shapes, nil
		}
	}
	return probe(g)
}

func mega(macs int64) string {
	switch {
	case macs == 0:
		return ""
	case macs < 1e5:
		return fmt.Sprintf("%d", macs)
	}
	return fmt.Sprintf("%.1fM", float64(macs)/1e6)
}

// shortType names a type as oneDNN does.
func shortType(d model.DType) string {
	switch d {
	case model.FP32:
		return "f32"
	case model.UInt8:
		return "u8"
	case model.Int8:
		return "s8"
	}
	return d.String()
}

// details describes the parameters of a layer in a few words.
func details(l *Layer) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch op := l.Op.(type) {
	case *Conv:
		if f := l.In[1].Dims; len(f) == 4 {
			add("%dx%d", f[2], f[3])
		}
		if op.Strides != [2]int{1, 1} {
			add("stride %d,%d", op.Strides[0], op.Strides[1])
		}
		if op.Groups > 1 {
			add("groups %d", op.Groups)
		}
		if l.In[3] != nil {
			add("+ %s", l.In[3].Name)
		}
		parts = append(parts, op.Act.words()...)
		parts = append(parts, op.Int8.words(l.In[3] != nil)...)
	case *FC:
		parts = append(op.Act.words(), op.Int8.words(false)...)
	case *Pool:
		add("%s", op.Type)
		if op.Global {
			add("global")
		} else {
			add("%dx%d stride %d,%d", op.Kernel[0], op.Kernel[1], op.Strides[0], op.Strides[1])
		}
	case *Act:
		parts = op.Activation.words()
	case *Binary:
		add("%s %s, %s", op.Type, l.In[0].Name, l.In[1].Name)
		parts = append(parts, op.Act.words()...)
	case *Quantize:
		add("scale %.6g", op.Scale)
	case *Dequantize:
		add("scale %.6g", op.Scale)
	case *TopK:
		add("k %d", op.K)
	}
	return strings.Join(parts, ", ")
}

func (q *Int8) words(residual bool) []string {
	if q == nil {
		return nil
	}
	words := []string{fmt.Sprintf("int8 in %.6g", q.ScaleIn)}
	if residual {
		words = append(words, fmt.Sprintf("residual %.6g", q.ScaleInEltwise))
	}
	if q.ForceFP32 {
		return append(words, "out real")
	}
	words = append(words, fmt.Sprintf("out %.6g", q.ScaleOut))
	if q.SaturateS8 {
		words = append(words, "up to 127")
	}
	return words
}

// String names the pooling kind.
func (k PoolKind) String() string {
	switch k {
	case MaxPool:
		return "max"
	case AvgPoolExclusive:
		return "avg"
	}
	return "avg with padding"
}

// words describes an activation, as nothing where there is none.
func (a Activation) words() []string {
	if a.Kind == ActNone {
		return nil
	}
	return []string{a.String()}
}
