package calibrate

// quantileStep is the share of the elements that a step clips, PyTorch's.
const quantileStep = 1e-5

// chooseHistogram is HistogramSearch: the search of PyTorch's HistogramObserver
// (torch/ao/quantization/observer.py, _non_linear_param_search) on absolute
// values. It ends at the first step that makes the error larger, and so finds
// the local minimum next to the full range, where MSE finds the global one.
func chooseHistogram(s *Statistics, levels int) float64 {
	p := newPrefix(s.Counts())
	best := p.bins()
	if best < levels {
		return s.edge(best)
	}
	least := p.squareError(best, levels)
	total := float64(s.Total())
	for n, beta := best, 1-quantileStep; beta > 0; beta -= quantileStep {
		before := n
		for n > levels && float64(s.Zeros()+p.count[n-1]) >= beta*total {
			n--
		}
		if n == before {
			continue
		}
		e := p.squareError(n, levels)
		if e > least || n <= levels {
			break
		}
		least, best = e, n
	}
	return s.edge(best)
}
