package calibrate

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/octet-dnn/octet/model"
)

// The text of a table: a line that says what it is, a header, one tensor a line
// in order of names, and a line that ends them. The evidence follows, if there is any.
//
//	octet calibration table 2
//	model 5f0c…
//	data 81a3…
//	samples 472
//	algorithm KL
//	compat -
//	batches 0
//	u8 0x1.8p+02 6 conv1.tmp_3
//	s8 0x1.51eb86p+01 2.640000104904175 image
//	end 2
//
// The hexadecimal threshold is the exact one; the decimal beside it is for
// readers and has to agree. A name that is not plain is quoted as in Go.
const tableMagic = "octet calibration table 2"

// maxTableLine bounds a line, far above the longest name that real programs have.
const maxTableLine = 1 << 20

// WriteTo writes the text of the table. Equal tables give equal bytes.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	compat := string(t.Compat)
	if compat == "" {
		compat = "-"
	}
	fmt.Fprintf(&b, "%s\nmodel %s\ndata %s\nsamples %d\nalgorithm %s\ncompat %s\nbatches %d\n",
		tableMagic, t.Model, t.Data, t.Samples, t.Algorithm, compat, t.Batches)
	for _, e := range t.Entries {
		fmt.Fprintf(&b, "%s %s %s %s\n", shortType(e.DType), strconv.FormatFloat(e.Threshold, 'x', -1, 64),
			strconv.FormatFloat(e.Threshold, 'g', -1, 64), quoteName(e.Name))
	}
	fmt.Fprintf(&b, "end %d\n", len(t.Entries))
	if t.Evidence != nil {
		b.Write(t.Evidence.appendText(nil, t.Entries))
	}
	return b.WriteTo(w)
}

func shortType(d model.DType) string {
	if d == model.UInt8 {
		return "u8"
	}
	return "s8"
}

// quoteName leaves names alone that read back as they are.
func quoteName(s string) string {
	plain := func(r rune) bool { return r > ' ' && r != '"' && r != '\\' && strconv.IsPrint(r) }
	if q := strconv.Quote(s); s == "" || q != `"`+s+`"` || strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return q
	}
	return s
}

// A TableError says which line of a table is wrong. It wraps ErrTable.
type TableError struct {
	Line int // from 1
	Msg  string
}

// Error returns the message.
func (e *TableError) Error() string { return fmt.Sprintf("line %d: %s: %v", e.Line, e.Msg, ErrTable) }

// Unwrap returns ErrTable.
func (e *TableError) Unwrap() error { return ErrTable }

// ParseTable reads the text of a table to its end. It fails with a *TableError,
// or with ErrTruncated if the end line is missing.
func ParseTable(r io.Reader) (*Table, error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxTableLine)
	p := tableParser{lines: s}
	t, err := p.parse()
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("calibration table: line %d: %w", p.line+1, err)
	}
	return t, err
}

type tableParser struct {
	lines *bufio.Scanner
	line  int
}

// next returns the next line, or ErrTruncated.
func (p *tableParser) next() (string, error) {
	if !p.lines.Scan() {
		return "", fmt.Errorf("no line %d: %w", p.line+1, ErrTruncated)
	}
	p.line++
	return p.lines.Text(), nil
}

func (p *tableParser) errorf(format string, args ...any) error {
	return &TableError{Line: p.line, Msg: fmt.Sprintf(format, args...)}
}

// header reads a line of a key and its value.
func (p *tableParser) header(key string) (string, error) {
	line, err := p.next()
	if err != nil {
		return "", err
	}
	k, v, _ := strings.Cut(line, " ")
	if k != key || v == "" {
		return "", p.errorf("%q where %q and a value belong", line, key)
	}
	return v, nil
}

func (p *tableParser) parse() (*Table, error) {
	line, err := p.next()
	if err != nil {
		return nil, err
	}
	return p.table(line)
}

// table reads what follows the first line of a table, which is given.
func (p *tableParser) table(line string) (*Table, error) {
	t := new(Table)
	if line != tableMagic {
		return nil, p.errorf("starts with %q, want %q", line, tableMagic)
	}
	if err := p.parseHeader(t); err != nil {
		return nil, err
	}
	for {
		line, err := p.next()
		if err != nil {
			return nil, err
		}
		if n, ok := strings.CutPrefix(line, "end "); ok {
			if n != strconv.Itoa(len(t.Entries)) {
				return nil, p.errorf("%d tensors read, the end line says %q", len(t.Entries), n)
			}
			if err := p.rest(t); err != nil {
				return nil, err
			}
			return t, nil
		}
		e, err := p.entry(line)
		if err != nil {
			return nil, err
		}
		if n := len(t.Entries); n > 0 && t.Entries[n-1].Name >= e.Name {
			if t.Entries[n-1].Name == e.Name {
				return nil, p.errorf("tensor %q twice", e.Name)
			}
			return nil, p.errorf("tensor %q after %q: not sorted", e.Name, t.Entries[n-1].Name)
		}
		t.Entries = append(t.Entries, e)
	}
}

// rest reads what follows the thresholds: evidence or nothing.
func (p *tableParser) rest(t *Table) (err error) {
	if !p.lines.Scan() {
		return nil
	}
	p.line++
	line := p.lines.Text()
	if !strings.HasPrefix(line, statisticsWord+" ") {
		return p.errorf("%q after the end", line)
	}
	if t.Evidence, err = p.evidence(line, t.Entries); err != nil {
		return err
	}
	if p.lines.Scan() {
		p.line++
		return p.errorf("%q after the end", p.lines.Text())
	}
	return nil
}

func (p *tableParser) parseHeader(t *Table) error {
	var err error
	if t.Model, err = p.header("model"); err != nil {
		return err
	}
	if t.Data, err = p.header("data"); err != nil {
		return err
	}
	if _, err := parseDigest(t.Data); err != nil {
		return p.errorf("data %q: %v", t.Data, err)
	}
	samples, err := p.header("samples")
	if err != nil {
		return err
	}
	if t.Samples, err = strconv.Atoi(samples); err != nil || t.Samples < 1 {
		return p.errorf("samples %q: want a positive number", samples)
	}
	algorithm, err := p.header("algorithm")
	if err != nil {
		return err
	}
	if t.Algorithm = Algorithm(algorithm); !slices.Contains(Algorithms(), t.Algorithm) {
		return p.errorf("unknown algorithm %q", algorithm)
	}
	compat, err := p.header("compat")
	if err != nil {
		return err
	}
	if compat != "-" {
		t.Compat = Compat(compat)
	}
	if err := checkAlgorithm(t.Algorithm, t.Compat); err != nil {
		return p.errorf("unknown compat %q", compat)
	}
	batches, err := p.header("batches")
	if err != nil {
		return err
	}
	if t.Batches, err = strconv.Atoi(batches); err != nil || t.Batches < 0 {
		return p.errorf("batches %q: want a number", batches)
	}
	return nil
}

// entry reads "u8 HEX DECIMAL NAME".
func (p *tableParser) entry(line string) (Entry, error) {
	f := strings.SplitN(line, " ", 4)
	if len(f) != 4 || !slices.Contains([]string{"u8", "s8"}, f[0]) {
		return Entry{}, p.errorf("%q: want a type (u8 or s8), two numbers and a name", line)
	}
	e := Entry{Name: f[3], DType: model.Int8}
	if f[0] == "u8" {
		e.DType = model.UInt8
	}
	if strings.HasPrefix(f[3], `"`) {
		name, err := strconv.Unquote(f[3])
		if err != nil {
			return Entry{}, p.errorf("name %s: %v", f[3], err)
		}
		e.Name = name
	}
	if quoteName(e.Name) != f[3] {
		return Entry{}, p.errorf("name %s: want it written as %s", f[3], quoteName(e.Name))
	}
	exact, err := strconv.ParseFloat(f[1], 64)
	if err != nil || math.IsNaN(exact) || math.IsInf(exact, 0) || exact < 0 || math.Signbit(exact) {
		return Entry{}, p.errorf("tensor %q: threshold %q: want a finite number, not negative", e.Name, f[1])
	}
	if decimal, err := strconv.ParseFloat(f[2], 64); err != nil || decimal != exact {
		return Entry{}, p.errorf("tensor %q: decimal threshold %q differs from %q, which is %v", e.Name, f[2], f[1], exact)
	}
	e.Threshold = exact
	return e, nil
}
