package calibrate

import "fmt"

// fewSketched is the number of samples below which nothing is said about their variety.
const fewSketched = 16

// Doubts says, a sentence each, why the samples may not stand for what the model
// will meet: they are mostly of one class, the same, or nearly the same, or
// leave a tensor at zero. It looks at up to 256 samples, fairly chosen, and is
// silent about a table without Evidence.
func (t *Table) Doubts() []string {
	if t.Evidence == nil {
		return nil
	}
	var list []string
	doubt := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for i, s := range t.Evidence.Tensors {
		if s.Max() == 0 {
			doubt("tensor %q was zero in all samples; its scale is that of a range of 1", t.Entries[i].Name)
		}
	}
	kept := t.Evidence.samples
	if repeated, all := kept.repeated(); 10*repeated > all {
		doubt("%d of %d samples looked at had come before, to the byte", repeated, all)
	}
	if len(kept) < fewSketched {
		return list
	}
	if class, n := kept.commonest(); 10*n > 9*len(kept) {
		doubt("%d of %d samples looked at are of one class, %d, as the model sees it", n, len(kept), class)
	}
	if n := kept.alike(); 10*n > len(kept) {
		doubt("%d of %d samples looked at look much like another", n, len(kept))
	}
	return list
}

// repeated counts the samples that are not the first of their content.
func (s sketch) repeated() (n, all uint64) {
	for _, one := range s {
		n += one.Count - 1
		all += one.Count
	}
	return n, all
}

// commonest returns the class of most samples, and of how many.
func (s sketch) commonest() (class, n int) {
	count := map[int]int{}
	for _, one := range s {
		if one.Class < 0 {
			continue
		}
		if count[one.Class]++; count[one.Class] > n {
			class, n = one.Class, count[one.Class]
		}
	}
	return class, n
}

// alike counts the samples that look like one before them.
func (s sketch) alike() (n int) {
	for i, one := range s {
		for _, other := range s[:i] {
			if one.Look != 0 && other.Look != 0 && one.Look.alike(other.Look) {
				n++
				break
			}
		}
	}
	return n
}
