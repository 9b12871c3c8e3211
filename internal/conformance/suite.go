package conformance

import (
	"bufio"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"github.com/octet-dnn/octet/internal/ref"
)

// A Backend computes problems by its own means.
type Backend interface {
	// Run computes p. It changes none of p's tensors. A case that it cannot
	// compute by nature gives an error that wraps ErrUnsupported.
	Run(p *Problem) (*Result, error)
}

// A Result is what a Backend computed, and how.
type Result struct {
	Dst       *ref.Tensor // of the type and dims of Op.Result()
	Impl      string      // the kernel that ran, "" where there is no such name
	Reference bool        // a slow reference kernel

	// Peer is what another implementation computed, PeerImpl, where Impl promises
	// to compute the same to the byte; else nil.
	Peer     *ref.Tensor
	PeerImpl string
}

// ErrUnsupported is wrapped by a Backend's error for what it cannot compute.
var ErrUnsupported = errors.New("not supported")

// ErrMismatch is wrapped by the error of a wrong result.
var ErrMismatch = errors.New("wrong result")

//go:embed testdata/*.txt
var files embed.FS

// A Case is one line with the place it comes from.
type Case struct {
	Name string // file without extension, then line number, as in "pool:12"
	Line string
}

// Cases returns all cases of testdata, expanded, in the order of the files.
func Cases() ([]Case, error) {
	names, err := fs.Glob(files, "testdata/*.txt")
	if err != nil {
		return nil, err
	}
	var cases []Case
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		name = strings.TrimSuffix(strings.TrimPrefix(name, "testdata/"), ".txt")
		s := bufio.NewScanner(strings.NewReader(string(text)))
		for n := 1; s.Scan(); n++ {
			line := strings.TrimSpace(s.Text())
			if line == "" || line[0] == '#' {
				continue
			}
			lines, err := Expand(line)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, n, err)
			}
			for _, l := range lines {
				cases = append(cases, Case{fmt.Sprintf("%s:%d", name, n), l})
			}
		}
	}
	return cases, nil
}

// Check builds one case, has the backend compute it and compares. The result
// is returned also with an error that wraps ErrMismatch.
func Check(b Backend, line string, o Options) (*Result, error) {
	p, err := Build(line, o)
	if err != nil {
		return nil, err
	}
	got, err := b.Run(p)
	if err != nil {
		return nil, err
	}
	want := p.Op.Result()
	want.Exact = make([]float64, len(want.Data))
	if err := p.Op.Run(); err != nil {
		return nil, err
	}
	if err := telling(want); err != nil {
		return got, fmt.Errorf("case %q: %w", line, err)
	}
	if err := compare(got.Dst, want, p.Tolerance); err != nil {
		return got, err
	}
	return got, samePeer(got)
}

// telling fails where the right answer would hide errors: a case whose results
// are all but few equal, most often zero or saturated, shows little.
func telling(t *ref.Tensor) error {
	count := map[float64]int{}
	for _, v := range t.Data {
		count[v]++
	}
	for v, n := range count {
		if len(t.Data) >= 64 && n*10 > len(t.Data)*9 {
			return fmt.Errorf("%d of %d right results are %v: the case tests nothing", n, len(t.Data), v)
		}
	}
	return nil
}

// compare returns an error that shows the first and the worst difference.
func compare(got, want *ref.Tensor, tol Tolerance) error {
	if got.DType != want.DType || !slices.Equal(got.Dims, want.Dims) {
		return fmt.Errorf("%w: got %v, want %v", ErrMismatch, got, want)
	}
	wrong, first, worst := 0, -1, -1
	for i, v := range got.Data {
		if tol.accepts(want.DType, v, want.Data[i], want.Exact[i]) {
			continue
		}
		if wrong++; first < 0 {
			first, worst = i, i
		}
		if math.Abs(v-want.Exact[i]) > math.Abs(got.Data[worst]-want.Exact[worst]) {
			worst = i
		}
	}
	if wrong == 0 {
		return nil
	}
	show := func(i int) string {
		return fmt.Sprintf("at %v got %v, want %v (exactly %v)", position(want.Dims, i), got.Data[i], want.Data[i], want.Exact[i])
	}
	return fmt.Errorf("%w: %d of %d elements, tolerance %.3g*|x| + %.3g\n\tfirst %s\n\tworst %s",
		ErrMismatch, wrong, len(got.Data), tol.Rel, tol.Abs, show(first), show(worst))
}

// position is the index of element i in a row-major tensor.
func position(dims []int, i int) []int {
	index := make([]int, len(dims))
	for d := len(dims) - 1; d >= 0; d-- {
		index[d] = i % dims[d]
		i /= dims[d]
	}
	return index
}
