package calibrate

import (
	"fmt"
	"slices"
	"strings"
)

// An Algorithm names a way to choose thresholds.
type Algorithm string

// The algorithms. The empty Algorithm is Max.
const (
	// Max takes the largest absolute value seen. Nothing is clipped.
	Max Algorithm = "max"
	// KL takes the threshold whose quantisation changes the distribution of the
	// absolute values least, by the Kullback-Leibler divergence. Compat decides
	// between Octet's search and that of Paddle 1.3.
	KL Algorithm = "KL"
)

// Compat asks for the numbers of another implementation, flaws included.
type Compat string

// The values of Compat.
const (
	// None: the algorithms as documented here.
	None Compat = ""
	// Paddle13: KL thresholds equal to those of the Calibrator of Paddle 1.3.
	// They clip a quarter of the range behind most relus, by which relu6
	// networks lose most of their accuracy, and weight scales are 127/max|w|
	// (WeightScales) instead of fitted (FitWeightScales). KL needs the samples
	// twice, see Options.TempDir.
	Paddle13 Compat = "paddle13"
)

// A method is an implementation of an Algorithm: one file each. A new one is an
// Observer, a method value, and a line in methods.
type method struct {
	// observe returns the Observer that Sample feeds.
	observe func() Observer
	// again, where it is not nil, returns the Observer of a second pass over
	// the same samples, given what the first one saw.
	again func(first Observer) Observer
	// threshold chooses, from the Observer of the last pass, the real value that
	// the integer levels stands for; 0 if nothing but zeros was seen.
	threshold func(o Observer, levels, batches int) float64
}

var methods = map[Algorithm]map[Compat]method{
	Max: {None: absMaxMethod, Paddle13: absMaxMethod},
	KL:  {None: klMethod, Paddle13: paddleKLMethod},
}

// normal returns the Algorithm by its constant, whatever the case of its
// letters, so that a value can come from a command line.
func (a Algorithm) normal() (Algorithm, error) {
	if a == "" {
		return Max, nil
	}
	var known []string
	for k := range methods {
		if strings.EqualFold(string(k), string(a)) {
			return k, nil
		}
		known = append(known, string(k))
	}
	slices.Sort(known)
	return "", fmt.Errorf("algorithm %q: want one of %s: %w", a, strings.Join(known, ", "), ErrOptions)
}

func methodFor(a Algorithm, c Compat) (method, error) {
	a, err := a.normal()
	if err != nil {
		return method{}, err
	}
	m, ok := methods[a][c]
	if !ok {
		return method{}, fmt.Errorf("compat %q of algorithm %s: want %q or none: %w", c, a, Paddle13, ErrOptions)
	}
	return m, nil
}
