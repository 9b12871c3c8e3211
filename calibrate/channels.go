package calibrate

import (
	"math"
	"slices"

	"github.com/octet-dnn/octet/graph"
)

// leastActive bounds how much more than what it gives an activation function is
// taken to swallow.
const leastActive = 0.2

// channels are the means of each channel of what a layer gives, image by image.
type channels struct {
	low, high float32 // what the activation function clips at, infinite where it does not
	means     [][]float32
	elements  float64   // of a channel
	active    []float64 // elements that are not clipped
}

func newChannels(op graph.Op) *channels {
	c := &channels{low: float32(math.Inf(-1)), high: float32(math.Inf(1))}
	var act graph.Activation
	switch op := op.(type) {
	case *graph.Conv:
		act = op.Act
	case *graph.FC:
		act = op.Act
	}
	switch act.Kind {
	case graph.ActReLU:
		c.low = 0
	case graph.ActClip:
		c.low, c.high = act.Alpha, act.Beta
	}
	return c
}

func (c *channels) empty() *channels { return &channels{low: c.low, high: c.high} }

// add adds images, row-major: channels are dim 1 of four, else the last one.
func (c *channels) add(x []float32, dims []int) {
	count, area := dims[len(dims)-1], 1
	if len(dims) == 4 {
		count, area = dims[1], dims[2]*dims[3]
	}
	if c.active == nil {
		c.active = make([]float64, count)
	}
	c.elements += float64(len(x) / count)
	size := len(x) / dims[0]
	for ; len(x) > 0; x = x[size:] {
		sums := make([]float64, count)
		for i, image := 0, x[:size]; len(image) > 0; i, image = (i+1)%count, image[area:] {
			for _, v := range image[:area] {
				sums[i] += float64(v)
				if v > c.low && v < c.high {
					c.active[i]++
				}
			}
		}
		means := make([]float32, count)
		for i, sum := range sums {
			means[i] = float32(sum / float64(size/count))
		}
		c.means = append(c.means, means)
	}
}

func (c *channels) merge(o *channels) {
	if c.active == nil {
		c.active = make([]float64, len(o.active))
	}
	c.means = append(c.means, o.means...)
	c.elements += o.elements
	for i := range o.active {
		c.active[i] += o.active[i]
	}
}

// matches reports whether o is of the same images, two at least, and both of n channels.
func (c *channels) matches(o *channels, n int) bool {
	return len(c.means) > 1 && len(c.means) == len(o.means) && len(c.active) == n && len(o.active) == n
}

// shift returns by how much channel i of o is above that of c, on average, and the
// square of the standard error of that.
func (c *channels) shift(o *channels, i int) (mean, variance float64) {
	n := float64(len(c.means))
	for k, m := range c.means {
		mean += float64(o.means[k][i]) - float64(m[i])
	}
	mean /= n
	for k, m := range c.means {
		d := float64(o.means[k][i]) - float64(m[i]) - mean
		variance += d * d
	}
	return mean, variance / n / (n - 1)
}

// apart returns the square of how far o is from c.
func (c *channels) apart(o *channels) (sum float64) {
	for i := range c.active {
		d, _ := c.shift(o, i)
		sum += d * d
	}
	return sum
}

// corrected returns bias such that a layer that gave o gives c. What is
// seen on some images is part truth, part chance: of the shifts of all
// channels so much is believed as is more than chance, and of each the less, the more
// chance there is in it (the empirical Bayes estimate of normal means, B. Efron and
// C. Morris, 1973).
func (c *channels) corrected(bias []float32, o *channels) []float32 {
	shifts, chance := make([]float64, len(bias)), make([]float64, len(bias))
	truth := 0.0 // variance of the shifts themselves
	for i := range bias {
		shifts[i], chance[i] = c.shift(o, i)
		truth += (shifts[i]*shifts[i] - chance[i]) / float64(len(bias))
	}
	if truth <= 0 {
		return bias
	}
	bias = slices.Clone(bias)
	for i := range bias {
		believed := shifts[i] * truth / (truth + chance[i])
		bias[i] = float32(float64(bias[i]) - believed/max(c.active[i]/c.elements, leastActive))
	}
	return bias
}
