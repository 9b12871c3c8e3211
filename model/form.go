package model

import "fmt"

// A Form is a way to lay out a model in files.
type Form int

// The forms that Load reads and Save writes.
const (
	// FormSeparate is a directory with __model__ and one file a parameter, the
	// default of Paddle 1.x.
	FormSeparate Form = iota
	// FormCombined is a directory with __model__ and __params__.
	FormCombined
	// FormPdModel is the pair prefix.pdmodel and prefix.pdiparams of Paddle 2.x.
	FormPdModel
	// FormPIR is the pair prefix.json and prefix.pdiparams of Paddle 3.x: the
	// program in PIR, as JSON.
	FormPIR
)

var formNames = map[Form]string{
	FormSeparate: "fluid-separate", FormCombined: "fluid", FormPdModel: "pdmodel", FormPIR: "pir",
}

// String returns the name that ParseForm reads.
func (f Form) String() string {
	if s, ok := formNames[f]; ok {
		return s
	}
	return fmt.Sprintf("form(%d)", int(f))
}

// ParseForm returns the form of that name: fluid, fluid-separate, pdmodel or
// pir.
func ParseForm(name string) (Form, error) {
	for f, s := range formNames {
		if s == name {
			return f, nil
		}
	}
	return 0, fmt.Errorf("model: no form is called %s: want fluid, fluid-separate, pdmodel or pir", quote(name))
}

// Files says in words what a model of form f consists of.
func (f Form) Files() string {
	switch f {
	case FormSeparate:
		return "__model__ and one file a parameter"
	case FormCombined:
		return "__model__ and __params__"
	case FormPdModel:
		return ".pdmodel and .pdiparams"
	case FormPIR:
		return "PIR .json and .pdiparams"
	}
	return f.String()
}

// ext is how the program file of a form is called that is a pair of files with
// one prefix; "" for forms that are directories.
func (f Form) ext() string {
	switch f {
	case FormPdModel:
		return pdmodelExt
	case FormPIR:
		return pirExt
	}
	return ""
}

// A Source says what Load found: how the files were laid out, by their
// content and not by their names.
type Source struct {
	Form Form
	// PIRVersion is the version of the format that a PIR file names; Paddle
	// 3.3 writes 4.
	PIRVersion int64
}

// Era names the generation of Paddle that a program belongs to, as far as the
// file tells: by the version that its writer put into it, or else by the
// operators, of which some came with Paddle 2.
func (m *Model) Era() string {
	v := m.Program.Version
	switch {
	case m.Source != nil && m.Source.Form == FormPIR:
		return fmt.Sprintf("Paddle 3 (PIR, format version %d)", m.Source.PIRVersion)
	case v >= 2_000_000:
		return "Paddle " + paddleVersion(v)
	case v != 0:
		return fmt.Sprintf("fluid (Paddle %s)", paddleVersion(v))
	}
	for _, b := range m.Program.Blocks {
		for _, o := range b.Ops {
			if paddle2Ops[o.Type] {
				return fmt.Sprintf("Paddle 2 (the file names no version, but has %s)", o.Type)
			}
		}
	}
	return "fluid (Paddle 1, the file names no version)"
}

// paddle2Ops are operators that no Paddle before 2.0 wrote.
var paddle2Ops = nameSet(
	"matmul_v2", "flatten_contiguous_range", "nearest_interp_v2", "bilinear_interp_v2", "expand_v2", "pad3d", "silu", "mish",
	"multiclass_nms3", "fused_conv2d", "quantize_linear", "dequantize_linear",
)

// paddleVersion spells the number that Paddle puts into programs: 1008005 for
// 1.8.5.
func paddleVersion(v int64) string {
	return fmt.Sprintf("%d.%d.%d", v/1_000_000, v/1000%1000, v%1000)
}
