package graph

import (
	"slices"
	"strconv"

	"github.com/octet-dnn/octet/model"
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
	"fill_constant":            importFill,
}

func (r *reader) reshape(mode ReshapeMode, dims []int) {
	x := r.in("X")
	r.emit(&Reshape{Mode: mode, Dims: dims}, x).out("Out", typeOf(x))
}

func importReshape(r *reader) {
	r.absent("Shape", "ShapeTensor")
	r.reshape(ReshapeTo, r.ints("shape"))
}

func importFlatten2D(r *reader) { r.reshape(ReshapeFlatten2, []int{r.int("axis", 1)}) }

func importFlattenRange(r *reader) {
	r.reshape(ReshapeFlatten, []int{r.int("start_axis", 1), r.int("stop_axis", 1)})
}

func importSqueeze(r *reader) { r.reshape(ReshapeSqueeze, r.ints("axes")) }

func importUnsqueeze(r *reader) {
	r.absent("AxesTensor", "AxesTensorList")
	r.reshape(ReshapeUnsqueeze, r.ints("axes"))
}

func importTranspose(r *reader) {
	x := r.in("X")
	r.emit(&Transpose{Perm: r.ints("axis")}, x).out("Out", typeOf(x))
}

func importConcat(r *reader) {
	r.absent("AxisTensor")
	in := r.list("X")
	for _, v := range in {
		if r.err == nil && v.DType != in[0].DType {
			r.fail(programErr("joining %v %q and %v %q", in[0].DType, in[0].Name, v.DType, v.Name))
		}
	}
	op := &Concat{Axis: r.int("axis", 0)}
	if r.err == nil {
		r.emit(op, in...).out("Out", in[0].DType)
	}
}

func importSplit(r *reader) {
	r.absent("AxisTensor", "SectionsTensorList")
	s := &Split{Axis: r.int("axis", 0), Sizes: r.ints("sections")}
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

func importSlice(r *reader) {
	r.absent("StartsTensor", "EndsTensor", "StartsTensorList", "EndsTensorList")
	s := &Slice{
		Axes:    r.ints("axes"),
		Starts:  r.ints("starts"),
		Ends:    r.ints("ends"),
		Squeeze: r.ints("decrease_axis"),
	}
	x := r.in("Input")
	r.emit(s, x).out("Out", typeOf(x))
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
	r.absent("Paddings")
	list := r.ints("paddings", 0, 0, 0, 0)
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
	r.absent("Paddings")
	list := r.ints("paddings")
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
	default:
		r.fail(unsupportedErr("padding mode %q", mode))
		return PadConstant
	}
}

// maxFill bounds what fill_constant may allocate: it is for scalars and biases.
const maxFill = 1 << 20

// importFill makes a constant instead of a layer.
func importFill(r *reader) {
	r.absent("ValueTensor", "ShapeTensor", "ShapeTensorList")
	if dt := model.DType(r.int("dtype", int(model.FP32))); dt != model.FP32 {
		r.fail(unsupportedErr("fill_constant of type %v", dt))
	}
	value := r.number("value", 0)
	if s := r.text("str_value", ""); s != "" {
		f, err := strconv.ParseFloat(s, 32)
		if err != nil {
			r.fail(programErr("attribute str_value is %q", s))
		}
		value = r.finite("str_value", float32(f))
	}
	shape := Shape(r.ints("shape"))
	n, err := shape.Elems()
	if err != nil {
		r.fail(err)
	} else if n > maxFill {
		r.fail(unsupportedErr("fill_constant of %v", shape))
	}
	name := r.arg(r.op.Outputs, "Out")
	if r.err != nil {
		return
	}
	v := floatConst(name, slices.Repeat([]float32{value}, n), toDims(shape)...)
	r.im.bind(name, v, r)
	r.im.writes = append(r.im.writes, v)
}
