package calibrate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The evidence follows the thresholds in the text of a table:
//
//	statistics 2 1
//	histogram -0x1p-03 0x1.8p+02 -10 1204 99713 conv1.tmp_3
//	 0*3 1f 2 40a …
//	sample 5f0c… 1 281 9f00… 0x1.8p+02 0x1p+00
//	end statistics
//
// "statistics" counts tensors and samples. A histogram has the range of the
// values, the binary logarithm of the width of a bin, how many elements were
// zero and how many there were in all; then, in lines of binsPerLine, the counts
// of the bins in hexadecimal up to the last that is not empty, n*m for m
// equal ones. A sample has its digest, how often it came, the class that the
// network gave it (-1 if unknown), its look, and the largest |x| of each tensor.
const (
	statisticsWord = "statistics"
	endStatistics  = "end statistics"
	binsPerLine    = 64
)

func hexFloat(x float32) string { return strconv.FormatFloat(float64(x), 'x', -1, 32) }

// appendText appends the text, with the names of the tensors.
func (e *Evidence) appendText(b []byte, entries []Entry) []byte {
	b = fmt.Appendf(b, "%s %d %d\n", statisticsWord, len(e.Tensors), len(e.samples))
	for i, s := range e.Tensors {
		name := ""
		if entries != nil {
			name = quoteName(entries[i].Name)
		}
		b = fmt.Appendf(b, "histogram %s %s %d %d %d %s\n", hexFloat(s.Low()), hexFloat(s.High()), s.exp, s.zeros, s.total, name)
		for counts := s.Counts(); len(counts) > 0; {
			n := min(len(counts), binsPerLine)
			b = appendCounts(b, counts[:n])
			counts = counts[n:]
		}
	}
	for _, one := range e.samples {
		b = fmt.Appendf(b, "sample %v %d %d %x", one.Digest, one.Count, one.Class, uint64(one.Look))
		for _, top := range one.Tops {
			b = append(append(b, ' '), hexFloat(top)...)
		}
		b = append(b, '\n')
	}
	return append(append(b, endStatistics...), '\n')
}

// appendCounts appends one line.
func appendCounts(b []byte, counts []uint64) []byte {
	for i := 0; i < len(counts); {
		run := 1
		for i+run < len(counts) && counts[i+run] == counts[i] {
			run++
		}
		b = strconv.AppendUint(append(b, ' '), counts[i], 16)
		if run > 1 {
			b = fmt.Appendf(b, "*%d", run)
		}
		i += run
	}
	return append(b, '\n')
}

// evidence reads what follows the first line of the evidence, which is given.
func (p *tableParser) evidence(line string, entries []Entry) (*Evidence, error) {
	var tensors, samples int
	if n, err := fmt.Sscanf(line, statisticsWord+" %d %d", &tensors, &samples); n != 2 || err != nil || tensors != len(entries) || samples < 0 || samples > sketchSize {
		return nil, p.errorf("%q: want %q, %d tensors and up to %d samples", line, statisticsWord, len(entries), sketchSize)
	}
	e := new(Evidence)
	line, err := p.next()
	for i := 0; err == nil && i < tensors; i++ {
		var s *Statistics
		if s, line, err = p.histogram(line, entries[i].Name); err == nil {
			e.Tensors = append(e.Tensors, s)
		}
	}
	for i := 0; err == nil && i < samples; i++ {
		var one sketched
		if one, err = p.sample(line, tensors, e.samples); err == nil {
			e.samples = append(e.samples, one)
			line, err = p.next()
		}
	}
	if err != nil {
		return nil, err
	}
	if line != endStatistics {
		return nil, p.errorf("%q where %q belongs", line, endStatistics)
	}
	for i, s := range e.Tensors {
		s.Tops = e.samples.tops(i)
	}
	return e, nil
}

// histogram reads the statistics of a tensor, and returns the line behind them.
func (p *tableParser) histogram(line, name string) (*Statistics, string, error) {
	f := strings.SplitN(line, " ", 7)
	if len(f) != 7 || f[0] != "histogram" || f[6] != quoteName(name) {
		return nil, "", p.errorf("%q: want the histogram of %s", line, quoteName(name))
	}
	low, lowErr := parseFloat32(f[1])
	high, highErr := parseFloat32(f[2])
	exp, expErr := strconv.Atoi(f[3])
	zeros, zerosErr := strconv.ParseUint(f[4], 10, 64)
	total, totalErr := strconv.ParseUint(f[5], 10, 64)
	if lowErr != nil || highErr != nil || expErr != nil || zerosErr != nil || totalErr != nil || low > 0 || high < 0 {
		return nil, "", p.errorf("%q: want a range, an exponent, and two counts", line)
	}
	s := NewStatistics()
	s.low, s.high = math.Float32bits(low)|signBit, math.Float32bits(high)
	s.Histogram.cover(max(s.low&absMask, s.high))
	if s.exp != exp {
		return nil, "", p.errorf("exponent %d: with this range it is %d", exp, s.exp)
	}
	s.zeros, s.total = zeros, total
	bins, sum := 0, zeros
	for {
		next, err := p.next()
		if err != nil {
			return nil, "", err
		}
		if !strings.HasPrefix(next, " ") {
			if sum != total || bins > 0 && s.counts[bins-1] == 0 {
				return nil, "", p.errorf("tensor %s: %d elements counted up to the last bin that holds one, want %d", quoteName(name), sum, total)
			}
			return s, next, nil
		}
		counts, err := parseCounts(next[1:])
		if err != nil || len(counts) > binsPerLine || bins%binsPerLine != 0 || bins+len(counts) > Bins {
			return nil, "", p.errorf("%.40q…: want %d counts a line, the last of a tensor shorter, and %d in all", next, binsPerLine, Bins)
		}
		for _, n := range counts {
			sum += n
		}
		bins += copy(s.counts[bins:], counts)
	}
}

func parseFloat32(text string) (float32, error) {
	x, err := strconv.ParseFloat(text, 32)
	if err == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
		err = strconv.ErrRange
	}
	return float32(x), err
}

func parseCounts(line string) (counts []uint64, err error) {
	for word := range strings.SplitSeq(line, " ") {
		value, times, repeated := strings.Cut(word, "*")
		n, err := strconv.ParseUint(value, 16, 64)
		if err != nil {
			return nil, err
		}
		run := 1
		if repeated {
			if run, err = strconv.Atoi(times); err != nil || run < 2 || run > binsPerLine {
				return nil, strconv.ErrRange
			}
		}
		counts = append(counts, slices.Repeat([]uint64{n}, run)...)
		if len(counts) > binsPerLine {
			return nil, strconv.ErrRange
		}
	}
	return counts, nil
}

// sample reads a sample that follows those before.
func (p *tableParser) sample(line string, tensors int, before sketch) (one sketched, err error) {
	f := strings.Split(line, " ")
	if len(f) != 5+tensors || f[0] != "sample" {
		return one, p.errorf("%.40q…: want a sample with %d values", line, tensors)
	}
	if one.Digest, err = parseDigest(f[1]); err != nil {
		return one, p.errorf("digest %q: %v", f[1], err)
	}
	l, lookErr := strconv.ParseUint(f[4], 16, 64)
	var countErr, classErr error
	one.Count, countErr = strconv.ParseUint(f[2], 10, 64)
	one.Class, classErr = strconv.Atoi(f[3])
	if lookErr != nil || countErr != nil || classErr != nil || one.Count < 1 || one.Class < -1 {
		return one, p.errorf("sample %s: %q: want a count, a class and a look", f[1], f[2:5])
	}
	one.Look = look(l)
	for _, word := range f[5:] {
		top, err := parseFloat32(word)
		if err != nil || top < 0 {
			return one, p.errorf("sample %s: %q: want a number, not negative", f[1], word)
		}
		one.Tops = append(one.Tops, top)
	}
	if n := len(before); n > 0 && strings.Compare(before[n-1].Digest.String(), f[1]) >= 0 {
		return one, p.errorf("sample %s: not sorted", f[1])
	}
	return one, nil
}
