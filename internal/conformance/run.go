package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A Suite runs all cases on one backend.
type Suite struct {
	Backend Backend
	Options Options

	// Reproduce returns the command that repeats one case.
	Reproduce func(line string) string

	// Excuse says why a failed case does not count here, as one that the backend
	// cannot compute (ErrUnsupported) or is known to get wrong (ErrMismatch). ""
	// means that it counts. The result is nil where there is none.
	Excuse func(line string, result *Result, err error) string
}

// A Summary counts what became of the cases.
type Summary struct {
	Cases, Passed int
	Skipped       map[string]int // by reason
	Slow          []string       // cases that a reference kernel served, with its name
	Same          int            // cases passed whose result was that of a peer too, to the byte
}

// Run runs the cases as subtests, in order: an executor may use all cores
// within one.
func (s *Suite) Run(t *testing.T, cases []Case) Summary {
	sum := Summary{Cases: len(cases), Skipped: map[string]int{}}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			result, err := Check(s.Backend, c.Line, s.Options)
			if result != nil && result.Reference {
				sum.Slow = append(sum.Slow, result.Impl+"\t"+c.Line)
			}
			if err != nil {
				if reason := s.Excuse(c.Line, result, err); reason != "" {
					sum.Skipped[reason]++
					t.Skip(reason)
				}
			}
			if err != nil {
				impl := ""
				if result != nil {
					impl = " by " + result.Impl
				}
				t.Errorf("%v%s\nrepeat: %s", err, impl, s.Reproduce(c.Line))
				return
			}
			sum.Passed++
			if result.Peer != nil {
				sum.Same++
			}
		})
	}
	return sum
}

// String is the line that ends a run.
func (s Summary) String() string {
	skipped, reasons := 0, []string{}
	for _, reason := range slices.Sorted(maps.Keys(s.Skipped)) {
		skipped += s.Skipped[reason]
		reasons = append(reasons, fmt.Sprintf("%d %s", s.Skipped[reason], reason))
	}
	line := fmt.Sprintf("conformance: %d cases, %d passed, %d of them with the bytes of a peer too, %d skipped", s.Cases, s.Passed, s.Same, skipped)
	if skipped > 0 {
		line += " (" + strings.Join(reasons, "; ") + ")"
	}
	return line
}
