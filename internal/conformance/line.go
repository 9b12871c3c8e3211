package conformance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/octet-dnn/octet/internal/ref"
)

// Expand replaces every {a,b,...} of a line by each of its alternatives, the
// last one varying fastest. Braces do not nest.
func Expand(line string) ([]string, error) {
	open := strings.IndexByte(line, '{')
	if open < 0 {
		if strings.Contains(line, "}") {
			return nil, fmt.Errorf("%q: } without {", line)
		}
		return []string{line}, nil
	}
	length := strings.IndexAny(line[open+1:], "{}")
	if length < 0 || line[open+1+length] != '}' {
		return nil, fmt.Errorf("%q: { without }", line)
	}
	rest, err := Expand(line[open+1+length+1:])
	if err != nil {
		return nil, err
	}
	var lines []string
	for choice := range strings.SplitSeq(line[open+1:open+1+length], ",") {
		for _, r := range rest {
			lines = append(lines, line[:open]+choice+r)
		}
	}
	return lines, nil
}

// fields are the words of a case. The readers below take values out of it and
// keep the first error; what nobody read is an error too.
type fields struct {
	kind   string
	values map[string]string // flags have the value ""
	read   map[string]bool
	err    error
}

func splitFields(line string) (*fields, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil, fmt.Errorf("empty case")
	}
	f := &fields{kind: words[0], values: map[string]string{}, read: map[string]bool{}}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		if _, twice := f.values[key]; twice {
			return nil, fmt.Errorf("field %q given twice", key)
		}
		f.values[key] = value
	}
	return f, nil
}

// finish reports the first bad field, or one that the kind does not have.
func (f *fields) finish() error {
	if f.err != nil {
		return f.err
	}
	var unknown []string
	for key := range f.values {
		if !f.read[key] {
			unknown = append(unknown, key)
		}
	}
	if slices.Sort(unknown); unknown != nil {
		return fmt.Errorf("%s has no field %s", f.kind, strings.Join(unknown, ", "))
	}
	return nil
}

func (f *fields) fail(key string, err error) {
	if f.err == nil {
		f.err = fmt.Errorf("field %s=%s: %w", key, f.values[key], err)
	}
}

// text returns a value, or def where the field is absent.
func (f *fields) text(key, def string) string {
	f.read[key] = true
	if v, ok := f.values[key]; ok {
		return v
	}
	return def
}

func (f *fields) flag(key string) bool {
	f.read[key] = true
	_, ok := f.values[key]
	return ok
}

func (f *fields) number(key string, def float64) float64 {
	v := f.text(key, strconv.FormatFloat(def, 'g', -1, 64))
	x, err := strconv.ParseFloat(v, 64)
	if err != nil {
		f.fail(key, err)
	}
	return x
}

func (f *fields) integer(key string, def int) int {
	x, err := strconv.Atoi(f.text(key, strconv.Itoa(def)))
	if err != nil {
		f.fail(key, err)
	}
	return x
}

// ints reads numbers joined by x; n copies of def where the field is absent.
func (f *fields) ints(key string, n, def int) []int {
	v := f.text(key, "")
	if v == "" {
		return slices.Repeat([]int{def}, n)
	}
	return f.parseInts(key, v)
}

func (f *fields) parseInts(key, v string) []int {
	var list []int
	for part := range strings.SplitSeq(v, "x") {
		x, err := strconv.Atoi(part)
		if err != nil || x < 0 || x > 1<<20 {
			f.fail(key, fmt.Errorf("%q is no size", part))
		}
		list = append(list, x)
	}
	return list
}

// pads reads L or L:R.
func (f *fields) pads(n int) (left, right []int) {
	l, r, both := strings.Cut(f.text("p", ""), ":")
	if l == "" {
		return make([]int, n), make([]int, n)
	}
	left = f.parseInts("p", l)
	if !both {
		return left, slices.Clone(left)
	}
	return left, f.parseInts("p", r)
}

func (f *fields) dtype(key string, def ref.DType) ref.DType {
	v := f.text(key, "")
	if v == "" {
		return def
	}
	d, err := ref.ParseDType(v)
	if err != nil {
		f.fail(key, err)
	}
	return d
}

// tensors reads TYPE:DIMS joined by +; at least one.
func (f *fields) tensors(key string) []*ref.Tensor {
	var list []*ref.Tensor
	for part := range strings.SplitSeq(f.text(key, ""), "+") {
		name, dims, _ := strings.Cut(part, ":")
		d, err := ref.ParseDType(name)
		if err != nil {
			f.fail(key, err)
			d = ref.F32
		}
		sizes := f.parseInts(key, dims)
		elems := 1
		for _, size := range sizes {
			if elems *= size; elems > 1<<26 {
				f.fail(key, fmt.Errorf("more than 2^26 elements"))
				sizes = []int{1}
				break
			}
		}
		list = append(list, ref.NewTensor(d, sizes...))
	}
	return list
}

// weights reads [TYPE:]OC; the type follows from that of the source.
func (f *fields) weights(src ref.DType) (ref.DType, int) {
	dt := src
	if src.Integer() {
		dt = ref.S8
	}
	name, count, typed := strings.Cut(f.text("wei", ""), ":")
	if typed {
		var err error
		if dt, err = ref.ParseDType(name); err != nil {
			f.fail("wei", err)
		}
	} else {
		count = name
	}
	return dt, f.parseInts("wei", count)[0]
}
