package calibrate

import "math"

// Of a large map a histogram counts every fourth row: with that it knows the distribution as
// well, for half of the time. Every channel is among them. With which row it begins is drawn from
// the map itself: always the same rows would over many samples miss what some row always has, such as the
// large values that padding gives the first and last one (at worst KL then took 40 % off a threshold
// of ResNet-50). So the state is still that of the samples, whatever their order and
// batches, and however a map lies in memory. Ranges, largest values and NaNs are those of all elements.

const (
	// largeMap is how many elements a sample of a tensor has at least for it to be a
	// large map. What is counted of it is more than a vector has, see largestVector.
	largeMap = 1 << 16
	// rowStep is the distance of the rows that are counted.
	rowStep = 4
	// leastHeight is that of a large map.
	leastHeight = 2 * rowStep
	// lots is from how many elements of a map its first row is drawn.
	lots = 64
)

// rows says which elements of an image's value are counted. The zero rows is all of them.
type rows struct {
	length int // of a row in memory, in elements, or 0
	height int // after so many rows of memory comes the top of a map again
	begin  int // the first row of a map that is counted
	before int // how many rows of memory came before
}

// rowsCounted returns what is counted of a, the value of one image.
func rowsCounted(a Activation) rows {
	if len(a.Dims) != 4 {
		return rows{}
	}
	c, h, w := a.Dims[1], a.Dims[2], a.Dims[3]
	if c*h*w != len(a.Data) || len(a.Data) < largeMap || h < leastHeight {
		return rows{}
	}
	r := rows{length: w, height: h, begin: firstRow(a)}
	if a.ChannelsLast {
		r.length *= c
	}
	if r.length > maxTally {
		return rows{}
	}
	return r
}

// firstRow returns a number below rowStep that looks random, from elements here and there in a large map.
func firstRow(a Activation) int {
	c, area := a.Dims[1], a.Dims[2]*a.Dims[3]
	var hash uint32
	for i := range lots {
		channel, place := i*c/lots, (i*area+area/2)/lots
		at := channel*area + place
		if a.ChannelsLast {
			at = place*c + channel
		}
		hash = (hash ^ math.Float32bits(a.Data[at])) * 0x9e3779b1 // 2^32 by the golden ratio
		hash ^= hash >> 15
	}
	return int(hash>>16) % rowStep
}

// counted reports whether row i of memory is.
func (r rows) counted(i int) bool {
	return (r.before+i)%r.height%rowStep == r.begin
}

// each calls f for runs of x that are counted, or are not, from the last to the first: the end
// of what a layer has just written is still in the cache, and is not when all else was read before.
func (r rows) each(x []float32, f func(run []float32, counted bool)) {
	if r.length == 0 {
		f(x, true)
		return
	}
	for end := len(x) / r.length; end > 0; {
		from, counted := end-1, r.counted(end-1)
		for from > 0 && r.counted(from-1) == counted {
			from--
		}
		f(x[from*r.length:end*r.length], counted)
		end = from
	}
}

// split returns the beginning of x, of at most maxTally elements, the rest, and the rows of the rest.
func (r rows) split(x []float32) (part, rest []float32, after rows) {
	n := min(len(x), maxTally)
	if r.length > 0 {
		n -= n % r.length
		r.before += n / r.length
	}
	return x[:n], x[n:], r
}
