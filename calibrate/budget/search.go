package budget

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// resolution is the share of the network's time below which a layer's price counts as that
// much: less cannot be measured, and layers that cost nothing would all come first.
const resolution = 1e-3

// extra is the price of a layer alone, never below nothing.
func (j *Job) extra(layer string) time.Duration {
	p, _ := j.State.price([]string{layer})
	return max(p.Extra, 0)
}

// orders returns the layers by what leaving them in FP32 gains, once for its
// price and once whatever it costs, the best first. The second finds the set where
// one dear layer does all the harm.
func (j *Job) orders() [2][]string {
	var bases []time.Duration
	for _, l := range j.Layers {
		p, _ := j.State.price([]string{l})
		bases = append(bases, p.Base)
	}
	slices.Sort(bases)
	least := resolution * float64(bases[len(bases)/2])
	worth := func(l string) float64 { return j.State.Sensitivities[l] / max(float64(j.extra(l)), least, 1) }
	gain := func(l string) float64 { return j.State.Sensitivities[l] }
	by := func(value func(l string) float64) []string {
		list := slices.Clone(j.Layers)
		slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(value(b), value(a)) })
		return list
	}
	return [2][]string{by(worth), by(gain)}
}

// search returns the cheapest set that keeps the limits, nil if it finds none.
func (j *Job) search(ctx context.Context) ([]string, error) {
	if len(j.Layers) < 2 {
		return nil, nil
	}
	try := func(set []string) (bool, error) {
		v, err := j.evaluate(ctx, set)
		return j.Limits.Met(v), err
	}
	for _, order := range j.orders() {
		set, err := j.beginning(order, try)
		if err == nil && set != nil {
			err = j.prune(set, try)
		}
		if err != nil {
			return nil, err
		}
	}
	// Layers may be left that only a second look can take out, and what was
	// evaluated for other limits may hold a cheaper set.
	for set := j.cheapest(); set != nil; {
		if err := j.prune(set, try); err != nil {
			return nil, err
		}
		best := j.cheapest()
		if slices.Equal(best, set) {
			return best, nil
		}
		set = best
	}
	return nil, nil
}

// beginning returns the shortest beginning of order that try accepts, found by
// doubling and halving, or nil; the whole of order is none, for that is FP32.
func (j *Job) beginning(order []string, try func([]string) (bool, error)) ([]string, error) {
	most := len(order) - 1
	first := func(n int) []string { return j.inOrder(order[:n]) }
	low, high := 0, 0 // refused, accepted
	for n := 1; high == 0; n = min(2*n, most) {
		if low >= most {
			return nil, nil
		}
		ok, err := try(first(n))
		if err != nil {
			return nil, err
		}
		if ok {
			high = n
		} else {
			low = n
		}
	}
	for high-low > 1 {
		n := (low + high) / 2
		ok, err := try(first(n))
		if err != nil {
			return nil, err
		}
		if ok {
			high = n
		} else {
			low = n
		}
	}
	return first(high), nil
}

// prune takes layers out of set, the dearest first, as long as try accepts it.
func (j *Job) prune(set []string, try func([]string) (bool, error)) error {
	dear := slices.Clone(set)
	slices.SortStableFunc(dear, func(a, b string) int {
		return cmp.Or(cmp.Compare(j.extra(b), j.extra(a)), cmp.Compare(j.State.Sensitivities[a], j.State.Sensitivities[b]))
	})
	for _, l := range dear {
		if len(set) == 1 { // the empty set was refused
			return nil
		}
		less := without(set, l)
		ok, err := try(less)
		if err != nil {
			return err
		}
		if ok {
			set = less
		}
	}
	return nil
}

// cost is what a set costs by the prices of its layers.
func (j *Job) cost(set []string) (sum time.Duration) {
	for _, l := range set {
		sum += j.extra(l)
	}
	return sum
}

// cheapest returns the cheapest of the sets that were evaluated and keep the
// limits, of equal ones the smallest. No part of it keeps them: that would be cheaper or smaller.
func (j *Job) cheapest() []string {
	return j.best(func(a, b Evaluated) int { return 0 }, j.Limits.Met)
}

// nearest returns the evaluated set that misses the limits by the least.
func (j *Job) nearest() []string {
	return j.best(func(a, b Evaluated) int { return cmp.Compare(j.Limits.excess(a.Verdict), j.Limits.excess(b.Verdict)) }, func(Verdict) bool { return true })
}

// best returns the first of the evaluated sets that are accepted, by order, cost and size.
func (j *Job) best(order func(a, b Evaluated) int, accepted func(Verdict) bool) []string {
	var list []Evaluated
	for _, e := range j.State.Evaluations {
		if accepted(e.Verdict) && (len(e.FP32) == 0 || len(e.FP32) < len(j.Layers)) {
			list = append(list, e)
		}
	}
	if list == nil {
		return nil
	}
	return slices.MinFunc(list, func(a, b Evaluated) int {
		return cmp.Or(order(a, b), cmp.Compare(j.cost(a.FP32), j.cost(b.FP32)), cmp.Compare(len(a.FP32), len(b.FP32)), slices.Compare(a.FP32, b.FP32))
	}).FP32
}

// inOrder returns layers in the order of the network.
func (j *Job) inOrder(set []string) []string {
	list := []string{}
	for _, l := range j.Layers {
		if slices.Contains(set, l) {
			list = append(list, l)
		}
	}
	return list
}

func without(set []string, layer string) []string {
	return slices.DeleteFunc(slices.Clone(set), func(l string) bool { return l == layer })
}
