package cpustat

import (
	"testing"
	"time"
)

const two = `cpu  30 4 6 200 20 0 0 0 0 0
cpu0 10 4 2 100 20 1 1 3 9 9
cpu1 20 0 4 100 0 0 0 0 0 0
intr 1 2 3
`

func TestParse(t *testing.T) {
	all := func(int) bool { return true }
	for _, c := range []struct {
		name, text string
		want       func(int) bool
		times      Times
		fails      bool
	}{
		{name: "every CPU, without guests", text: two, want: all, times: Times{Busy: 45 * tick, Nice: 4 * tick, Stolen: 3 * tick, Idle: 220 * tick}},
		{name: "one CPU", text: two, want: func(cpu int) bool { return cpu == 1 }, times: Times{Busy: 24 * tick, Idle: 100 * tick}},
		{name: "none of the CPUs", text: two, want: func(cpu int) bool { return cpu > 1 }, fails: true},
		{name: "empty", want: all, fails: true},
		{name: "an old kernel without steal", text: "cpu0 1 2 3 4 5 6 7\n", want: all, fails: true},
		{name: "no number", text: "cpu0 1 2 x 4 5 6 7 8\n", want: all, fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parse([]byte(c.text), c.want)
			if (err != nil) != c.fails || got != c.times {
				t.Errorf("parse = %+v, %v, want %+v, an error %v", got, err, c.times, c.fails)
			}
		})
	}
}

// TestRead checks that time passes on this machine.
func TestRead(t *testing.T) {
	all := func(int) bool { return true }
	a, err := Read(all)
	if err != nil {
		t.Skipf("SKIP-HARDWARE: %v", err)
	}
	time.Sleep(5 * tick)
	b, err := Read(all)
	if err != nil || b.Busy+b.Idle <= a.Busy+a.Idle {
		t.Errorf("Read = %+v, then %+v, %v: want later times", a, b, err)
	}
}

func TestParseProcess(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       time.Duration
		fails      bool
	}{
		{name: "a name of words and parentheses", text: "7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 50 6 70 80 20 0 2 0", want: 56 * tick},
		{name: "empty", fails: true},
		{name: "no system time", text: "7 (a) S 1 7 7 0 -1 4194560 1 2 3 4 50", fails: true},
		{name: "no number", text: "7 (a) S 1 7 7 0 -1 4194560 1 2 3 4 x 6", fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseProcess([]byte(c.text))
			if (err != nil) != c.fails || got != c.want {
				t.Errorf("parseProcess(%q) = %v, %v, want %v, an error %v", c.text, got, err, c.want, c.fails)
			}
		})
	}
}
