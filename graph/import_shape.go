package graph

import (
	"math"
	"slices"
)

var shapeImporters = map[string]importFunc{
	"reshape":                  importReshape,
	"reshape2":                 importReshape,
	"flatten":                  importFlatten2D,
	"flatten2":                 importFlatten2D,
	"flatten_contiguous_range": importFlattenRange,
	"squeeze":                  importSqueeze,
	"squeeze2":                 importSqueeze,
	"unsqueeze":                importUnsqueeze,
	"unsqueeze2":               importUnsqueeze,
	"transpose":                importTranspose,
	"transpose2":               importTranspose,
	"concat":                   importConcat,
	"split":                    importSplit,
	"slice":                    importSlice,
	"pad":                      importPad,
	"pad2d":                    importPad2D,
	"pad3d":                    importPad3D,
	"stack":                    importStack,
	"unstack":                  importUnstack,
	"strided_slice":            importSlice,
}

func (r *reader) reshape(mode ReshapeMode, dims []int, operands ...*Value) {
	x := r.in("X")
	r.emit(&Reshape{Mode: mode, Dims: dims}, append([]*Value{x}, operands...)...).out("Out", typeOf(x))
}

func importReshape(r *reader) {
	r.reshape(ReshapeTo, r.ints("shape"), r.operands("ShapeTensor", "Shape")...)
}

func importFlatten2D(r *reader) { r.reshape(ReshapeFlatten2, []int{r.int("axis", 1)}) }

func importFlattenRange(r *reader) {
	r.reshape(ReshapeFlatten, []int{r.int("start_axis", 1), r.int("stop_axis", 1)})
}

func importSqueeze(r *reader) { r.reshape(ReshapeSqueeze, r.ints("axes")) }

func importUnsqueeze(r *reader) {
	r.reshape(ReshapeUnsqueeze, r.fixedInts("axes", "AxesTensor", "AxesTensorList"))
}

func importTranspose(r *reader) {
	x := r.in("X")
	r.emit(&Transpose{Perm: r.ints("axis")}, x).out("Out", typeOf(x))
}

func importConcat(r *reader) {
	in := r.list("X")
	for _, v := range in {
		if r.err == nil && v.DType != in[0].DType {
			r.fail(programErr("joining %v %q and %v %q", in[0].DType, in[0].Name, v.DType, v.Name))
		}
	}
	op := &Concat{Axis: r.fixedInt("axis", 0, "AxisTensor")}
	if r.err == nil {
		r.emit(op, in...).out("Out", in[0].DType)
	}
}

func importSplit(r *reader) {
	s := &Split{Axis: r.fixedInt("axis", 0, "AxisTensor"), Sizes: r.fixedInts("sections", "SectionsTensorList")}
	names := r.op.Out("Out")
	if len(s.Sizes) == 0 {
		s.Num = len(names)
		if n := r.int("num", 0); n > 0 && n != s.Num {
			r.fail(programErr("%d pieces for %d variables", n, s.Num))
		}
	} else if len(s.Sizes) != len(names) {
		r.fail(programErr("%d pieces for %d variables", len(s.Sizes), len(names)))
	}
	x := r.in("X")
	n := r.emit(s, x)
	for _, name := range names {
		r.im.bind(name, n.add(name, typeOf(x)), r)
	}
	if len(names) == 0 {
		r.fail(programErr("slot Out is missing"))
	}
}

// importSlice reads slice and strided_slice.
func importSlice(r *reader) {
	s := &Slice{
		Axes:    r.ints("axes"),
		Starts:  r.ints("starts"),
		Ends:    r.ints("ends"),
		Squeeze: r.ints("decrease_axis"),
	}
	if r.op.Type == "strided_slice" {
		s.Strides = r.fixedInts("strides", "StridesTensor", "StridesTensorList")
		r.openEnds(s)
	}
	starts, ends := r.operands("StartsTensor", "StartsTensorList"), r.operands("EndsTensor", "EndsTensorList")
	s.StartOperands, s.EndOperands = len(starts), len(ends)
	x := r.in("Input")
	r.emit(s, slices.Concat([]*Value{x}, starts, ends)...).out("Out", typeOf(x))
}

// openEnds turns an end of -1 of a slice that goes backwards into one in front of
// everything: up to 2.6 that is how programs spell x[::-1], and what it means.
func (r *reader) openEnds(s *Slice) {
	s.Ends = slices.Clone(s.Ends)
	for i := range s.Ends {
		if s.Step(i) < 0 && s.Ends[i] == -1 && r.im.model.Program.Version < firstNumpyEnds {
			s.Ends[i] = math.MinInt32
		}
	}
}

// firstNumpyEnds is the program version from which an end of -1 is the last
// element for slices that go backwards too.
const firstNumpyEnds = 3000000

// importStack joins along a new axis.
func importStack(r *reader) {
	var parts []*Value
	axis := r.int("axis", 0)
	for _, x := range r.list("X") {
		parts = append(parts, r.emit(&Reshape{Mode: ReshapeUnsqueeze, Dims: []int{axis}}, x).hidden(typeOf(x)))
	}
	if len(parts) > 0 {
		r.emit(&Concat{Axis: axis}, parts...).out("Y", typeOf(parts[0]))
	}
}

// importUnstack cuts an axis into its elements and drops it.
func importUnstack(r *reader) {
	x, axis, names := r.in("X"), r.int("axis", 0), r.op.Out("Y")
	if len(names) == 0 {
		r.fail(programErr("slot Y is missing"))
		return
	}
	cut := r.emit(&Split{Axis: axis, Num: len(names)}, x)
	for _, name := range names {
		part := cut.hidden(typeOf(x))
		n := r.emit(&Reshape{Mode: ReshapeSqueeze, Dims: []int{axis}}, part)
		r.im.bind(name, n.add(name, typeOf(x)), r)
	}
}

func (r *reader) pad(p *Pad) {
	x := r.in("X")
	r.float(x)
	r.emit(p, x).out("Out", typeOf(x))
}

// importPad reads pad: [before, after] for each dim, always constant.
func importPad(r *reader) {
	list := r.ints("paddings")
	if len(list)%2 != 0 {
		r.fail(programErr("attribute paddings is %v: want pairs", list))
		return
	}
	p := &Pad{Value: r.number("pad_value", 0)}
	for i := 0; i < len(list); i += 2 {
		p.Before, p.After = append(p.Before, list[i]), append(p.After, list[i+1])
	}
	r.pad(p)
}

// importPad2D reads pad2d: [top, bottom, left, right].
func importPad2D(r *reader) {
	list := r.fixedInts("paddings", "Paddings")
	if len(list) != 4 {
		r.fail(programErr("attribute paddings is %v: want four numbers", list))
		return
	}
	p := &Pad{
		Mode:   r.padKind(),
		Before: []int{0, 0, list[0], list[2]},
		After:  []int{0, 0, list[1], list[3]},
		Value:  r.number("pad_value", 0),
	}
	if r.channelsLast("data_format") {
		p.Before, p.After = []int{0, list[0], list[2], 0}, []int{0, list[1], list[3], 0}
	}
	r.pad(p)
}

// importPad3D reads pad3d: [left, right, top, bottom, front, back].
func importPad3D(r *reader) {
	list := r.fixedInts("paddings", "Paddings")
	if len(list) != 6 {
		r.fail(programErr("attribute paddings is %v: want six numbers", list))
		return
	}
	before, after := []int{list[4], list[2], list[0]}, []int{list[5], list[3], list[1]}
	at := 2
	switch format := r.text("data_format", "NCDHW"); format {
	case "NCDHW":
	case "NDHWC":
		at = 1
	default:
		r.fail(unsupportedErr("data_format %q", format))
	}
	r.pad(&Pad{
		Mode:   r.padKind(),
		Before: slices.Insert(make([]int, 2), at, before...),
		After:  slices.Insert(make([]int, 2), at, after...),
		Value:  r.number("value", 0),
	})
}

func (r *reader) padKind() PadKind {
	switch mode := r.text("mode", "constant"); mode {
	case "constant":
		return PadConstant
	case "reflect":
		return PadReflect
	case "edge", "replicate":
		return PadEdge
	case "circular":
		return PadCircular
	default:
		r.fail(unsupportedErr("padding mode %q", mode))
		return PadConstant
	}
}
