package calibrate

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Checkpoint is what a Calibrator has gathered so far, to go on from in another
// process: Resume continues to the same bytes. It holds no samples; with Refine or Auto,
// Offer shows them again.
type Checkpoint struct {
	// Bindings say what else the run depends on, such as the list of its pictures.
	Bindings []Binding
	// Table has the model, the samples and their Evidence. Its thresholds are those
	// of Max, whatever the Calibrator's algorithm, for they cost nothing to choose.
	Table *Table
	trend trend
}

// A Binding is something that has to be the same when a calibration goes on.
type Binding struct {
	Name, Value string
}

// Checkpoint returns what has been gathered so far, bound to bindings. It fails with
// ErrNoSamples before the first batch, and for Paddle13's KL, whose samples are
// gone with the Calibrator, with ErrNoStatistics.
func (c *Calibrator) Checkpoint(bindings ...Binding) (*Checkpoint, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, ErrClosed
	case c.twoPasses():
		return nil, fmt.Errorf("checkpoint: %w", ErrNoStatistics)
	case c.seen.count == 0:
		return nil, fmt.Errorf("checkpoint: %w", ErrNoSamples)
	}
	t := c.newTable()
	t.Algorithm, t.Evidence = Max, c.evidence()
	t.choose()
	return &Checkpoint{slices.Clone(bindings), t.clone(), slices.Clone(c.trend)}, nil
}

// Resume puts a Calibrator that has sampled nothing into the state of p, as
// Restore does from a table. It fails with ErrMismatch, and says which, where a
// binding differs from those of p.
func (c *Calibrator) Resume(p *Checkpoint, bindings ...Binding) error {
	if err := p.check(bindings); err != nil {
		return fmt.Errorf("resume calibration: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.restore(p.Table); err != nil {
		return err
	}
	c.trend = slices.Clone(p.trend)
	return nil
}

// check compares bindings, by name.
func (p *Checkpoint) check(now []Binding) error {
	if len(now) != len(p.Bindings) {
		return fmt.Errorf("the checkpoint is bound to %d things, this run to %d: %w", len(p.Bindings), len(now), ErrMismatch)
	}
	for i, then := range p.Bindings {
		if now[i] != then {
			return fmt.Errorf("%s is %s, the checkpoint was made with %s: %w", now[i].Name, now[i].Value, then.Value, ErrMismatch)
		}
	}
	return nil
}

// The text of a checkpoint: a line that says what it is, the bindings, the thresholds
// whenever the samples had doubled, and the table.
//
//	octet calibration checkpoint 1
//	bound "batch size" "50"
//	trend 16 0x1.8p+02 0x1.51eb86p+01
//	octet calibration table 2
//	…
const (
	checkpointMagic = "octet calibration checkpoint 1"
	boundWord       = "bound "
	trendWord       = "trend "
)

// WriteTo writes the text of the checkpoint.
func (p *Checkpoint) WriteTo(w io.Writer) (int64, error) {
	b := []byte(checkpointMagic + "\n")
	for _, v := range p.Bindings {
		b = fmt.Appendf(b, "%s%q %q\n", boundWord, v.Name, v.Value)
	}
	for _, s := range p.trend {
		b = fmt.Appendf(b, "%s%d", trendWord, s.samples)
		for _, x := range s.thresholds {
			b = strconv.AppendFloat(append(b, ' '), x, 'x', -1, 64)
		}
		b = append(b, '\n')
	}
	n, err := w.Write(b)
	if err != nil {
		return int64(n), err
	}
	m, err := p.Table.WriteTo(w)
	return int64(n) + m, err
}

// ParseCheckpoint reads the text of a checkpoint to its end. Errors are those of ParseTable.
func ParseCheckpoint(r io.Reader) (*Checkpoint, error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxTableLine)
	p := tableParser{lines: s}
	c, err := p.checkpoint()
	if scanErr := s.Err(); scanErr != nil {
		err = fmt.Errorf("line %d: %w", p.line+1, scanErr)
	}
	if err != nil {
		return nil, fmt.Errorf("calibration checkpoint: %w", err)
	}
	return c, nil
}

func (p *tableParser) checkpoint() (*Checkpoint, error) {
	line, err := p.next()
	if err != nil {
		return nil, err
	}
	if line != checkpointMagic {
		return nil, p.errorf("starts with %.80q, want %q", line, checkpointMagic)
	}
	c := new(Checkpoint)
	for {
		if line, err = p.next(); err != nil {
			return nil, err
		}
		if text, ok := strings.CutPrefix(line, boundWord); ok {
			b, err := p.binding(text)
			if err != nil {
				return nil, err
			}
			c.Bindings = append(c.Bindings, b)
		} else if text, ok := strings.CutPrefix(line, trendWord); ok {
			s, err := p.snapshot(text)
			if err != nil {
				return nil, err
			}
			c.trend = append(c.trend, s)
		} else {
			break
		}
	}
	if c.Table, err = p.table(line); err != nil {
		return nil, err
	}
	if c.Table.Evidence == nil {
		return nil, ErrNoStatistics
	}
	for _, s := range c.trend {
		if len(s.thresholds) != len(c.Table.Entries) {
			return nil, p.errorf("%d thresholds in a line of the trend, %d tensors", len(s.thresholds), len(c.Table.Entries))
		}
	}
	return c, nil
}

// binding reads two quoted words.
func (p *tableParser) binding(text string) (b Binding, err error) {
	name, err := strconv.QuotedPrefix(text)
	if err == nil {
		b.Name, err = strconv.Unquote(name)
	}
	value, ok := strings.CutPrefix(text[len(name):], " ")
	if err == nil && ok {
		b.Value, err = strconv.Unquote(value)
	}
	if err != nil || !ok {
		return b, p.errorf("%.80q: want two quoted words", text)
	}
	return b, nil
}

// snapshot reads a number of samples and thresholds.
func (p *tableParser) snapshot(text string) (s snapshot, err error) {
	words := strings.Split(text, " ")
	if s.samples, err = strconv.Atoi(words[0]); err != nil || s.samples < 1 {
		return s, p.errorf("%.80q: want a number of samples", text)
	}
	for _, word := range words[1:] {
		x, err := strconv.ParseFloat(word, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
			return s, p.errorf("threshold %q: want a finite number, not negative", word)
		}
		s.thresholds = append(s.thresholds, x)
	}
	return s, nil
}
