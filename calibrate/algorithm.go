package calibrate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An Algorithm names a way to choose thresholds.
type Algorithm string

// The algorithms. The empty Algorithm is Max. docs/calibration.md says which to
// take, with measured results.
const (
	// Max takes the largest absolute value seen. Nothing is clipped.
	Max Algorithm = "max"
	// KL takes the threshold whose quantisation changes the distribution of the
	// absolute values least, by the Kullback-Leibler divergence; for vectors, such
	// as global averages, that of MSE. Compat decides between Octet's search and that of Paddle 1.3.
	KL Algorithm = "KL"
	// MinMax covers the smallest and the largest value with all 256 integers of
	// a type: s8 reaches to −128, so that a large negative value counts for less than in Max.
	MinMax Algorithm = "min-max"
	// MovingAverage averages the largest absolute values of single samples.
	MovingAverage Algorithm = "moving-average"
	// Percentile keeps 99.99 % of the elements.
	Percentile Algorithm = "percentile"
	// MSE takes the threshold with the least mean square error of the elements.
	MSE Algorithm = "MSE"
	// HistogramSearch clips from the full range on, quantile by quantile, as long
	// as the mean square error falls: PyTorch's HistogramObserver.
	HistogramSearch Algorithm = "histogram"
	// EMD takes the threshold with the least earth mover's distance between the
	// distributions before and after quantisation.
	EMD Algorithm = "EMD"
	// Auto takes for each tensor the threshold, of those that the others choose,
	// with the least error of the layers that read the tensor, measured on a few samples.
	Auto Algorithm = "auto"
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
	// twice, see Options.TempDir. Only Max and KL have it.
	Paddle13 Compat = "paddle13"
)

// A chooser is an implementation of an Algorithm, one file each: it returns the
// real value that the integer levels stands for, 0 if nothing but zeros was
// seen. levels is 255 for u8 and 127 for s8. It depends on what s holds alone,
// and does not change it. A new algorithm is a chooser, a name above, and a line in choosers.
type chooser func(s *Statistics, levels int) float64

var choosers = map[Algorithm]chooser{
	Max:             chooseMax,
	KL:              chooseKL,
	MinMax:          chooseMinMax,
	MovingAverage:   chooseMovingAverage,
	Percentile:      choosePercentile,
	MSE:             chooseMSE,
	HistogramSearch: chooseHistogram,
	EMD:             chooseEMD,
}

// largestVector is how many elements a sample of a tensor has at most for it to count as a
// vector: as many as VGG's fully connected layers give, and a third of
// the smallest last map of the usual networks, 7x7x256 of MobileNet-V1 0.25.
const largestVector = 4096

// chooserFor returns what chooses by a the threshold of a tensor of which s was seen
// in so many samples.
//
// With KL it is MSE for vectors, such as global averages. KL gives up the rare large
// elements of a distribution for the resolution of the others. In a map the layers behind
// have many neighbours of each to go by; of a vector a classifier reads every element for itself,
// and the largest ones decide. Of ResNet-50's average KL keeps 2.4 of a range of 5.1 and MSE
// 3.7: with that the divergence of its probabilities falls from 0.0053 to 0.0043.
func chooserFor(a Algorithm, s *Statistics, samples int) chooser {
	if a == KL && vector(s, samples) {
		return chooseMSE
	}
	return choosers[a]
}

func vector(s *Statistics, samples int) bool { return s.Total() <= largestVector*uint64(samples) }

// Algorithms returns all algorithms, sorted.
func Algorithms() []Algorithm {
	all := append(slices.Collect(maps.Keys(choosers)), Auto)
	slices.SortFunc(all, func(a, b Algorithm) int {
		return strings.Compare(strings.ToLower(string(a)), strings.ToLower(string(b)))
	})
	return all
}

// normal returns the Algorithm by its constant, whatever the case of its
// letters, so that a value can come from a command line.
func (a Algorithm) normal() (Algorithm, error) {
	if a == "" {
		return Max, nil
	}
	for _, k := range Algorithms() {
		if strings.EqualFold(string(k), string(a)) {
			return k, nil
		}
	}
	return "", fmt.Errorf("algorithm %q: want one of %s: %w", a, joinAlgorithms(Algorithms()), ErrOptions)
}

func joinAlgorithms(list []Algorithm) string {
	var names []string
	for _, a := range list {
		names = append(names, string(a))
	}
	return strings.Join(names, ", ")
}

// checkAlgorithm reports whether a and c go together.
func checkAlgorithm(a Algorithm, c Compat) error {
	a, err := a.normal()
	switch {
	case err != nil:
		return err
	case c == None || c == Paddle13 && (a == Max || a == KL):
		return nil
	case c != Paddle13:
		return fmt.Errorf("compat %q: want %q or none: %w", c, Paddle13, ErrOptions)
	}
	return fmt.Errorf("algorithm %s: compat %q has only %s and %s: %w", a, c, Max, KL, ErrOptions)
}
