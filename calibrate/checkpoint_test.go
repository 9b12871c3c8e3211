package calibrate

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/model"
)

func checkpointText(t testing.TB, p *Checkpoint) string {
	t.Helper()
	var b bytes.Buffer
	n, err := p.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("wrote %d of %d bytes: %v", n, b.Len(), err)
	}
	return b.String()
}

// A calibration that goes on from the text of a checkpoint ends with the table, the
// movements and the INT8 graph of one that was not cut short.
func TestResumeFromCheckpoint(t *testing.T) {
	batches := images(t, 11, 10, 4)
	bindings := []Binding{{"the list", "two\nlines"}, {"--batch-size", `"4"`}}
	for _, o := range []Options{{Algorithm: KL, Refine: true}, {Algorithm: Auto}, {Algorithm: Max, Compat: Paddle13}} {
		whole := newTestCalibrator(t, "inception", o)
		sampleAll(t, whole, batches)
		c := newTestCalibrator(t, "inception", o)
		for i, b := range batches {
			sampleAll(t, c, [][]*model.Tensor{b})
			p, err := c.Checkpoint(bindings...)
			if err != nil {
				t.Fatal(err)
			}
			if i%3 != 1 {
				continue
			}
			back, err := ParseCheckpoint(strings.NewReader(checkpointText(t, p)))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(p, back, cmp.AllowUnexported(Checkpoint{}, snapshot{})); d != "" {
				t.Fatalf("reads back differently:\n%.1000s", d)
			}
			c = newTestCalibrator(t, "inception", o)
			if err := c.Resume(back, bindings...); err != nil {
				t.Fatal(err)
			}
			for _, b := range batches[:i+1] {
				if _, err := c.Offer(b); err != nil {
					t.Fatal(err)
				}
			}
		}
		if d := cmp.Diff(text(t, mustTable(t, whole)), text(t, mustTable(t, c))); d != "" {
			t.Errorf("%s%s: tables differ:\n%.1000s", o.Algorithm, o.Compat, d)
		}
		if d := cmp.Diff(whole.Movements(), c.Movements()); d != "" || len(c.Movements()) == 0 {
			t.Errorf("%s%s: movements differ:\n%s", o.Algorithm, o.Compat, d)
		}
		want, err1 := whole.INT8Graph()
		got, err2 := c.INT8Graph()
		if err1 != nil || err2 != nil || cmp.Diff(dump(want), dump(got)) != "" {
			t.Errorf("%s%s: INT8 graphs differ, %v, %v", o.Algorithm, o.Compat, err1, err2)
		}
	}
}

func TestCheckpointRefuses(t *testing.T) {
	batches := images(t, 11, 5, 4)
	c := newTestCalibrator(t, "inception", Options{})
	if _, err := c.Checkpoint(); !errors.Is(err, ErrNoSamples) {
		t.Errorf("no samples: %v, want ErrNoSamples", err)
	}
	paddle := newTestCalibrator(t, "inception", Options{Algorithm: KL, Compat: Paddle13})
	sampleAll(t, paddle, batches[:1])
	if _, err := paddle.Checkpoint(); !errors.Is(err, ErrNoStatistics) {
		t.Errorf("two passes: %v, want ErrNoStatistics", err)
	}
	sampleAll(t, c, batches)
	p, err := c.Checkpoint(Binding{"a", "1"}, Binding{"b", "2"})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]struct {
		net      string
		bindings []Binding
		o        Options
		want     error
		text     string
	}{
		"another value": {"inception", []Binding{{"a", "1"}, {"b", "3"}}, Options{}, ErrMismatch, "b is 3, the checkpoint was made with 2"},
		"one fewer":     {"inception", []Binding{{"a", "1"}}, Options{}, ErrMismatch, "bound to 2 things"},
		"another model": {"resnet", p.Bindings, Options{}, ErrOtherModel, "the table was made from"},
		"two passes":    {"inception", p.Bindings, Options{Algorithm: KL, Compat: Paddle13}, ErrNoStatistics, ""},
	} {
		to := newTestCalibrator(t, r.net, r.o)
		if err := to.Resume(p, r.bindings...); !errors.Is(err, r.want) || !strings.Contains(err.Error(), r.text) {
			t.Errorf("%s: %v, want %v about %q", name, err, r.want, r.text)
		}
	}
	if err := c.Resume(p, p.Bindings...); !errors.Is(err, ErrMismatch) {
		t.Errorf("after samples: %v, want ErrMismatch", err)
	}

	good := checkpointText(t, p)
	for name, bad := range map[string]string{
		"empty":            "",
		"no table":         good[:strings.Index(good, tableMagic)],
		"cut":              good[:len(good)*2/3],
		"a table":          good[strings.Index(good, tableMagic):],
		"other version":    strings.Replace(good, "checkpoint 1", "checkpoint 2", 1),
		"a word missing":   strings.Replace(good, `"a" "1"`, `"a"`, 1),
		"not quoted":       strings.Replace(good, `"a" "1"`, `a 1`, 1),
		"quotes open":      strings.Replace(good, `"a" "1"`, `"a" "1`, 1),
		"trend of nothing": strings.Replace(good, "trend 16", "trend 0", 1),
		"NaN":              strings.Replace(good, "trend 16 ", "trend 16 nan ", 1),
		"one too many":     strings.Replace(good, "trend 16 ", "trend 16 0x1p+00 ", 1),
		"behind the end":   good + "x\n",
		"no evidence":      good[:strings.Index(good, statisticsWord)],
	} {
		if bad == good {
			t.Errorf("%s: nothing to spoil", name)
		}
		if _, err := ParseCheckpoint(strings.NewReader(bad)); !errors.Is(err, ErrTable) && !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrNoStatistics) {
			t.Errorf("%s: %v, want ErrTable, ErrTruncated or ErrNoStatistics", name, err)
		}
	}
}

// Whatever ParseCheckpoint accepts, WriteTo writes in a way that reads back.
func FuzzParseCheckpoint(f *testing.F) {
	c := newTestCalibrator(f, "resnet", Options{})
	sampleAll(f, c, images(f, 1, 1, 16))
	p, err := c.Checkpoint(Binding{"a b", "\n"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(checkpointText(f, p))
	f.Fuzz(func(t *testing.T, in string) {
		p, err := ParseCheckpoint(strings.NewReader(in))
		if err != nil {
			return
		}
		again, err := ParseCheckpoint(strings.NewReader(checkpointText(t, p)))
		if err != nil || !cmp.Equal(p, again, cmp.AllowUnexported(Checkpoint{}, snapshot{})) {
			t.Fatalf("reads back differently, %v", err)
		}
	})
}
