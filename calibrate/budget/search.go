package budget

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// resolution is the share of the network's time below which a layer's price counts as that
// much. Less is noise, and layers that seem to cost nothing would all come first.
const resolution = 0.01

// A pricing is what each layer alone costs, as a share of the network's time: the
// machine's speed changes from one measurement to the next.
type pricing map[string]float64

func (j *Job) pricing() pricing {
	p := pricing{}
	for _, l := range j.Layers {
		alone, _ := j.State.price([]string{l})
		p[l] = max(float64(alone.Extra)/float64(alone.Base), resolution)
	}
	return p
}

// of returns what a set costs.
func (p pricing) of(set []string) (sum float64) {
	for _, l := range set {
		sum += p[l]
	}
	return sum
}

// orders returns the layers by what leaving them in FP32 gains, once for its
// price and once whatever it costs, the best first. The second finds the set where
// one dear layer does all the harm.
func (j *Job) orders() [2][]string {
	price := j.pricing()
	worth := func(l string) float64 { return j.State.Sensitivities[l] / price[l] }
	gain := func(l string) float64 { return j.State.Sensitivities[l] }
	by := func(value func(l string) float64) []string {
		list := slices.Clone(j.Layers)
		slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(value(b), value(a)) })
		return list
	}
	return [2][]string{by(worth), by(gain)}
}

// search returns the cheapest set that keeps the limits, nil if it finds none.
// What it tries depends on nothing but what it has found itself, so that a
// search that goes on tries the same.
func (j *Job) search(ctx context.Context) ([]string, error) {
	if len(j.Layers) < 2 {
		return nil, nil
	}
	price := j.pricing()
	var seen []Evaluated
	try := func(set []string) (bool, error) {
		v, err := j.evaluate(ctx, set)
		seen = append(seen, Evaluated{set, v})
		return j.Limits.Met(v), err
	}
	most := math.Inf(1)
	for _, order := range j.orders() {
		set, err := j.beginning(order, func(set []string) (bool, error) {
			if price.of(set) >= most { // dearer than what is known
				return true, nil
			}
			return try(set)
		})
		if err == nil && set != nil && price.of(set) < most {
			err = j.prune(set, try)
		}
		if err != nil {
			return nil, err
		}
		if best := j.cheapest(seen); best != nil {
			most = price.of(best)
		}
	}
	// A second look may take out more, where accuracy is not monotonic.
	if err := j.settle(j.cheapest, &seen, try); err != nil {
		return nil, err
	}
	// What was evaluated for other limits may hold a cheaper set.
	if err := j.settle(func([]Evaluated) []string { return j.cheapest(j.State.Evaluations) }, &seen, try); err != nil {
		return nil, err
	}
	return j.cheapest(j.State.Evaluations), nil
}

// settle prunes the best of seen until that is the best.
func (j *Job) settle(best func([]Evaluated) []string, seen *[]Evaluated, try func([]string) (bool, error)) error {
	for set := best(*seen); set != nil; {
		if err := j.prune(set, try); err != nil {
			return err
		}
		next := best(*seen)
		if slices.Equal(next, set) {
			return nil
		}
		set = next
	}
	return nil
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
	dear, price := slices.Clone(set), j.pricing()
	slices.SortStableFunc(dear, func(a, b string) int {
		return cmp.Or(cmp.Compare(price[b], price[a]), cmp.Compare(j.State.Sensitivities[a], j.State.Sensitivities[b]))
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

// cheapest returns the cheapest of those sets that keep the limits, of equal
// ones the smallest, or nil. No part of it keeps them: that would be cheaper.
func (j *Job) cheapest(list []Evaluated) []string {
	return j.best(list, func(a, b Evaluated) int { return 0 }, j.Limits.Met)
}

// nearest returns the evaluated set that misses the limits by the least.
func (j *Job) nearest() []string {
	by := func(a, b Evaluated) int { return cmp.Compare(j.Limits.excess(a.Verdict), j.Limits.excess(b.Verdict)) }
	return j.best(j.State.Evaluations, by, func(Verdict) bool { return true })
}

// best returns the first of the accepted sets, by order, cost and size.
func (j *Job) best(all []Evaluated, order func(a, b Evaluated) int, accepted func(Verdict) bool) []string {
	var list []Evaluated
	for _, e := range all {
		if accepted(e.Verdict) && (len(e.FP32) == 0 || len(e.FP32) < len(j.Layers)) {
			list = append(list, e)
		}
	}
	if list == nil {
		return nil
	}
	price := j.pricing()
	return slices.MinFunc(list, func(a, b Evaluated) int {
		return cmp.Or(order(a, b), cmp.Compare(price.of(a.FP32), price.of(b.FP32)), cmp.Compare(len(a.FP32), len(b.FP32)), slices.Compare(a.FP32, b.FP32))
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
