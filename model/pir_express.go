package model

import (
	"fmt"
	"slices"
)

// idleAttrs choose between kernels, or are for training, debugging or tools:
// they change no result.
var idleAttrs = nameSet(
	"op_role", "op_role_var", "op_namescope", callstackAttr, "op_device", "with_quant_attr", "is_test", "seed", "fix_seed",
	"use_cudnn", "use_mkldnn", "use_onednn", "use_quantizer", "skip_quant", "mkldnn_data_type", "onednn_data_type", "workspace_size_MB",
	"exhaustive_search", "use_addto", "x_data_format", "y_data_format", "force_cpu", "place_type", "inplace",
	"infer_flags", "in_dtype", "allow_out_of_range", "fuse_brelu_threshold", "fuse_alpha", "fuse_beta",
)

// neutralAttrs are left out too where they hold one of these values, which
// change nothing. Those of one operator alone stand under its name and theirs.
var neutralAttrs = map[string][]any{
	"fuse_relu": {false}, "fuse_brelu": {false}, "fuse_activation": {""}, "fuse_residual_connection": {false},
	"fuse_with_relu": {false}, "fuse_relu_before_depthwise_conv": {false}, "force_fp32_output": {false},
	"Scale_in": {1.}, "Scale_out": {1.}, "Scale_in_eltwise": {1.}, "Scale_weights": {[]any{1.}},
	"Scale_x": {1.}, "Scale_y": {1.}, "scale_x": {1.}, "scale_y": {[]any{1.}}, "scale_out": {1.},
	"data_format": {"NCHW", "AnyLayout", ""}, "data_layout": {"NCHW", "AnyLayout", ""}, "axis": {int64(-1)},
	"head_number": {int64(1)}, "dtype": {int64(FP32)}, "decrease_axis": {[]any{}}, "reduce_all": {true, false}, "out_dtype": {int64(-1)},
	"relu6.threshold": {6.}, "swish.beta": {1.}, "hard_swish.threshold": {6.}, "hard_swish.scale": {6.}, "hard_swish.offset": {3.},
	"split.num": {int64(0)}, "split.sections": {[]any{}},
}

func nameSet(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

// expressible refuses inputs and attributes that would be lost.
func expressible(o *Op, row *pirOp) error {
	slots, attrs := make(map[string]bool), make(map[string]bool)
	for _, as := range row.in {
		slots[as.slot], attrs[as.attr] = true, true
	}
	for _, as := range row.attrs {
		attrs[as.attr] = true
	}
	for _, s := range o.Inputs {
		if len(s.Args) > 0 && !slots[s.Name] {
			return unsupported("slot "+s.Name, "no variables to write it as PIR", fmt.Sprint(len(s.Args)))
		}
	}
	for i := range o.Attrs {
		if a := &o.Attrs[i]; !attrs[a.Name] && !idleAttrs[a.Name] && !neutral(o.Type, a) {
			return unsupported("attribute "+quote(a.Name), "a value that changes nothing, to write it as PIR", fmt.Sprintf("%.80v", a.Value))
		}
	}
	return nil
}

func neutral(op string, a *Attr) bool {
	values, ok := neutralAttrs[op+"."+a.Name]
	if !ok {
		values = neutralAttrs[a.Name]
	}
	have := loose(a.Value)
	return slices.ContainsFunc(values, func(v any) bool {
		if list, ok := v.([]any); ok {
			l, ok := have.([]any)
			return ok && slices.Equal(l, list)
		}
		if _, ok := have.([]any); ok {
			return false
		}
		if n, ok := have.(int64); ok && v == (n != 0) {
			return true // flags that were stored as integers
		}
		return have == v
	})
}
