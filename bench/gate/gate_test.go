package gate

import (
	"math"
	"strings"
	"testing"
)

func TestFinish(t *testing.T) {
	for _, c := range []struct {
		name string
		fill func(*Gate)
		ok   bool
		last string
	}{
		{"nothing measured", func(*Gate) {}, false, "x: 0 of 0 fall short: "},
		{"on the edge", func(g *Gate) { g.AtLeast("a", 2, 2, " %", ""); g.AtMost("b", 3, 3, "", "") }, true, "x: all reached: a 2.00 %; b 3.00"},
		{"too small", func(g *Gate) { g.AtLeast("a", 1.9, 2, "", "why") }, false, "x: 1 of 1 fall short: a 1.90 (FALLS SHORT of at least 2.00)"},
		{"too large", func(g *Gate) { g.AtMost("a", 2.1, 2, "", ""); g.AtMost("b", 0, 1, "", "") }, false, "x: 1 of 2 fall short: a 2.10 (FALLS SHORT of at most 2.00); b 0.00"},
		{"no number", func(g *Gate) { g.AtLeast("a", math.NaN(), 2, "", ""); g.AtMost("b", math.NaN(), 2, "", "") }, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			g := &Gate{name: "x", w: &out}
			c.fill(g)
			ok := g.finish()
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if ok != c.ok || c.last != "" && lines[len(lines)-1] != c.last {
				t.Errorf("%v, want %v, after\n%s\nwant last\n%s", ok, c.ok, out.String(), c.last)
			}
		})
	}
}
