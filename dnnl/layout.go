package dnnl

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/octet-dnn/octet/cgo"
)

// String returns the data type, the dimensions and the layout as oneDNN's
// verbose output spells it: "u8 2x64x56x56 acdb", "s8 64x64x1x1 ABcd16b16a".
func (d *Desc) String() string {
	if len(d.info.Dims) == 0 {
		return "empty"
	}
	s := d.DataType().String() + " " + shape(d.info.Dims)
	switch d.info.Format {
	case cgo.FormatBlocked:
		s += " " + layout(&d.info)
	case cgo.FormatAny:
		s += " any"
	case cgo.FormatOpaque:
		s += " opaque"
	}
	if d.info.Offset != 0 {
		s += " offset " + strconv.Itoa(d.info.Offset)
	}
	return s
}

// shape writes dimensions as 2x64x56x56.
func shape(dims []int) string {
	parts := make([]string, len(dims))
	for i, d := range dims {
		parts[i] = strconv.Itoa(d)
	}
	return strings.Join(parts, "x")
}

// layout spells a blocked format: the dimensions by falling stride, in
// capitals where inner blocks split them, then the blocks; and the strides if
// there are gaps between the elements.
func layout(info *cgo.DescInfo) string {
	outer := slices.Clone(info.PaddedDims)
	innermost := 1
	for i, b := range info.Blocks {
		outer[info.BlockDims[i]] /= b
		innermost *= b
	}
	order := strideOrder(info.Strides, outer)

	var s strings.Builder
	for _, dim := range order {
		letter := 'a'
		if slices.Contains(info.BlockDims, dim) {
			letter = 'A'
		}
		s.WriteRune(letter + rune(dim))
	}
	for i, b := range info.Blocks {
		s.WriteString(strconv.Itoa(b))
		s.WriteRune('a' + rune(info.BlockDims[i]))
	}
	if !dense(info.Strides, outer, order, innermost) {
		s.WriteString(" strides " + shape(info.Strides))
	}
	return s.String()
}

// strideOrder sorts the dimensions by falling stride. Among equal strides the
// longer dimension is the outer one: all others there have length one, and so
// no stride of their own.
func strideOrder(strides, outer []int) []int {
	order := make([]int, len(strides))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(strides[b], strides[a]), cmp.Compare(outer[b], outer[a]))
	})
	return order
}

// dense reports whether each stride is the product of the lengths inside it.
func dense(strides, outer, order []int, innermost int) bool {
	want := innermost
	for _, dim := range slices.Backward(order) {
		if outer[dim] == 1 {
			continue
		}
		if strides[dim] != want {
			return false
		}
		want *= outer[dim]
	}
	return true
}
