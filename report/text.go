package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxName bounds names, in characters: they come from model files, and a report
// has a size that its layers explain.
const maxName = 160

// maxProblem bounds what oneDNN says of a primitive.
const maxProblem = 600

// shorten returns valid text of at most maxName characters.
func shorten(s string) string { return shortenTo(s, maxName) }

func shortenTo(s string, most int) string {
	const tail = 40
	if len(s) > 8*most { // before anything looks at every character
		s = s[:4*most] + s[len(s)-4*most:]
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	r := []rune(s)
	return string(r[:most-tail-1]) + "…" + string(r[len(r)-tail:])
}

// breaks cuts a name where a line may end.
func breaks(name string) (parts []string) {
	for name != "" {
		n := strings.IndexAny(name, "._/:")
		for n >= 0 && n+1 < len(name) && strings.IndexByte("._/:", name[n+1]) >= 0 {
			n++
		}
		if n < 0 {
			n = len(name) - 1
		}
		parts = append(parts, name[:n+1])
		name = name[n+1:]
	}
	return parts
}

// number formats x, a NaN as nothing known.
func number(x float64, format string) cell {
	if math.IsNaN(x) {
		return cell{Text: "–"}
	}
	return cell{minus(fmt.Sprintf(format, x)), sortKey(x)}
}

// sortKey is a number as JavaScript reads it.
func sortKey(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// short has three digits that count.
func short(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return fmt.Sprint(x)
	case a == 0:
		return "0"
	case a >= 1e5 || a < 1e-3:
		return minus(strconv.FormatFloat(x, 'e', 1, 64))
	case a >= 100:
		return minus(strconv.FormatFloat(x, 'f', 0, 64))
	default:
		return minus(strconv.FormatFloat(x, 'f', 2-int(math.Floor(math.Log10(a))), 64))
	}
}

// mark is a round number on an axis.
func mark(x float64) string { return minus(strconv.FormatFloat(x, 'g', 6, 64)) }

// minus replaces the hyphens of numbers.
func minus(s string) string { return strings.ReplaceAll(s, "-", "−") }

// plain groups the digits of a count.
func plain(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:] // a narrow space that does not break
	}
	return s
}

// percent shows rare things as rare, not as none.
func percent(share float64) string {
	switch p := 100 * share; {
	case p == 0:
		return "0 %"
	case p < 0.001:
		return "< 0.001 %"
	case p < 0.1:
		return fmt.Sprintf("%.3f %%", p)
	case p < 10:
		return fmt.Sprintf("%.2f %%", p)
	default:
		return fmt.Sprintf("%.1f %%", p)
	}
}

// A unit is what times are shown in: those of small networks need a finer one.
type unit struct {
	Name  string // short
	Long  string
	ofOne float64 // milliseconds
}

var (
	inMilliseconds = unit{"ms", "Milliseconds", 1}
	inMicroseconds = unit{"µs", "Microseconds", 1e-3}
)

// unitOf returns the unit for times up to ms.
func unitOf(ms float64) unit {
	if ms < 0.5 {
		return inMicroseconds
	}
	return inMilliseconds
}

// text is a number of u, for so many milliseconds.
func (u unit) text(ms float64) string {
	switch x := ms / u.ofOne; {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	case u == inMicroseconds:
		return fmt.Sprintf("%.2f", x)
	default:
		return fmt.Sprintf("%.3f", x)
	}
}

// full has the unit behind it.
func (u unit) full(ms float64) string { return u.text(ms) + "\u00a0" + u.Name }

func times(f float64) string { return fmt.Sprintf("%.2f×", f) }

func mega(n int64) string {
	if n < 1e5 {
		return plain(int(n))
	}
	return fmt.Sprintf("%.1f\u00a0M", float64(n)/1e6)
}
