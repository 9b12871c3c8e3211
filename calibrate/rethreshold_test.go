package calibrate

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/model"
)

// streamed are the algorithms whose tables merge and can be made anew from one another.
func streamed() (list []Algorithm) {
	for _, a := range Algorithms() {
		if a != Auto {
			list = append(list, a)
		}
	}
	return list
}

// A finished calibration gives, for each algorithm, the table that sampling
// with that algorithm gives, to the byte.
func TestRethreshold(t *testing.T) {
	batches := images(t, 8, 3, 2)
	tables := map[Algorithm]*Table{}
	for _, a := range streamed() {
		c := newTestCalibrator(t, "resnet", Options{Algorithm: a})
		sampleAll(t, c, batches)
		tables[a] = mustTable(t, c)
	}
	different := map[string]bool{}
	for from, table := range tables {
		for to, want := range tables {
			got, err := table.Rethreshold(Algorithm(strings.ToLower(string(to))))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(text(t, want), text(t, got)); d != "" {
				t.Errorf("%s from a table of %s (-want +got):\n%s", to, from, d)
			}
		}
		different[fmt.Sprint(table.Entries)] = true
	}
	// Nothing is clipped here by one in ten thousand, so some agree.
	if len(different) < len(tables)-2 {
		t.Errorf("%d algorithms give %d different tables", len(tables), len(different))
	}
	paddle := newTestCalibrator(t, "resnet", Options{Algorithm: KL, Compat: Paddle13})
	sampleAll(t, paddle, batches)
	for _, c := range []struct {
		table *Table
		to    Algorithm
		want  error
	}{
		{mustTable(t, paddle), Max, ErrNoStatistics},
		{tables[KL], Auto, ErrNoProbes},
		{tables[KL], "mean", ErrOptions},
	} {
		if _, err := c.table.Rethreshold(c.to); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.to, err, c.want)
		}
	}
}

// Whatever the order of the samples, the batches and the shards they come in,
// and wherever a run is cut short and taken up again from its table, the table
// has the same bytes. Some samples come more than once.
func TestTableIsTheSameHowever(t *testing.T) {
	const seeds = 3
	r := rand.New(rand.NewPCG(3, 3))
	all := images(t, 9, 20, 1)
	all = append(all, all[3], all[7], all[7])
	// All others choose from what these two choose from.
	for _, a := range []Algorithm{KL, MovingAverage} {
		whole := newTestCalibrator(t, "inception", Options{Algorithm: a})
		sampleAll(t, whole, all)
		want := text(t, mustTable(t, whole))
		for seed := range seeds {
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			var shards []*Table
			for rest := all; len(rest) > 0; {
				n := min(len(rest), 1+r.IntN(len(all)))
				shards = append(shards, calibrateInPieces(t, r, a, rest[:n]))
				rest = rest[n:]
			}
			r.Shuffle(len(shards), func(i, j int) { shards[i], shards[j] = shards[j], shards[i] })
			got := shards[0]
			for _, s := range shards[1:] {
				if err := got.Merge(s); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(want, text(t, got)); d != "" {
				t.Fatalf("%s, seed %d, %d shards (-whole +merged):\n%.2000s", a, seed, len(shards), d)
			}
		}
	}
}

// calibrateInPieces samples in batches of random sizes, and now and then goes on
// with a new Calibrator from the text of the table so far.
func calibrateInPieces(t *testing.T, r *rand.Rand, a Algorithm, samples [][]*model.Tensor) *Table {
	t.Helper()
	c := newTestCalibrator(t, "inception", Options{Algorithm: a})
	for len(samples) > 0 {
		n := min(len(samples), 1+r.IntN(5))
		sampleAll(t, c, [][]*model.Tensor{joined(t, samples[:n])})
		samples = samples[n:]
		if r.IntN(3) > 0 {
			continue
		}
		table, err := ParseTable(strings.NewReader(text(t, mustTable(t, c))))
		if err != nil {
			t.Fatal(err)
		}
		c = newTestCalibrator(t, "inception", Options{Algorithm: a})
		if err := c.Restore(table); err != nil {
			t.Fatal(err)
		}
	}
	return mustTable(t, c)
}

// joined makes one batch of several.
func joined(t testing.TB, batches [][]*model.Tensor) []*model.Tensor {
	t.Helper()
	var data []byte
	for _, b := range batches {
		data = append(data, b[0].Data...)
	}
	dims := append([]int64{int64(len(batches))}, batches[0][0].Dims[1:]...)
	return []*model.Tensor{{DType: model.FP32, Dims: dims, Data: data}}
}

func TestMergeRefuses(t *testing.T) {
	batches := images(t, 8, 2, 1)
	a, b := newTestCalibrator(t, "inception", Options{}), newTestCalibrator(t, "inception", Options{})
	sampleAll(t, a, batches[:1])
	sampleAll(t, b, batches[1:])
	got := mustTable(t, a)
	for name, c := range map[string]struct {
		change func(*Table)
		want   error
	}{
		"other model":     {func(o *Table) { o.Model = "x" }, ErrOtherModel},
		"other algorithm": {func(o *Table) { o.Algorithm = KL }, ErrMismatch},
		"other compat":    {func(o *Table) { o.Compat = Paddle13 }, ErrMismatch},
		"no evidence":     {func(o *Table) { o.Evidence = nil }, ErrNoStatistics},
		"fewer tensors":   {func(o *Table) { o.Entries = o.Entries[1:] }, ErrMismatch},
		"other tensors":   {func(o *Table) { o.Entries[2].Name = "x" }, ErrMismatch},
		"other types":     {func(o *Table) { o.Entries[2].DType ^= model.UInt8 ^ model.Int8 }, ErrMismatch},
		"data":            {func(o *Table) { o.Data = "x" }, ErrTable},
	} {
		o := mustTable(t, b)
		c.change(o)
		before := text(t, got)
		if err := got.Merge(o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if text(t, got) != before {
			t.Errorf("%s: the failed Merge changed the table", name)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	batches := images(t, 8, 2, 1)
	from := newTestCalibrator(t, "inception", Options{})
	sampleAll(t, from, batches)
	for name, c := range map[string]struct {
		net    string
		change func(*Table)
		o      Options
		want   error
	}{
		"other model":   {"resnet", func(*Table) {}, Options{}, ErrOtherModel},
		"no evidence":   {"inception", func(o *Table) { o.Evidence = nil }, Options{}, ErrNoStatistics},
		"two passes":    {"inception", func(*Table) {}, Options{Algorithm: KL, Compat: Paddle13}, ErrNoStatistics},
		"fewer tensors": {"inception", func(o *Table) { o.Entries = o.Entries[1:] }, Options{}, ErrMismatch},
		"other types":   {"inception", func(o *Table) { o.Entries[2].DType ^= model.UInt8 ^ model.Int8 }, Options{}, ErrMismatch},
		"data":          {"inception", func(o *Table) { o.Data = "x" }, Options{}, ErrTable},
	} {
		table := mustTable(t, from)
		c.change(table)
		to := newTestCalibrator(t, c.net, c.o)
		if err := to.Restore(table); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := from.Restore(mustTable(t, from)); !errors.Is(err, ErrMismatch) {
		t.Errorf("after samples: %v, want %v", err, ErrMismatch)
	}
}

// The text of evidence is read strictly.
func TestBadEvidence(t *testing.T) {
	c := newTestCalibrator(t, "resnet", Options{})
	sampleAll(t, c, images(t, 8, 3, 1))
	good := text(t, mustTable(t, c))
	if table, err := ParseTable(strings.NewReader(good)); err != nil || text(t, table) != good {
		t.Fatalf("reads back differently, %v", err)
	}
	first := strings.Index(good, "histogram ")
	bins := first + strings.Index(good[first:], "\n ") + 2
	lastSample := strings.LastIndex(good, "sample ")
	for name, in := range map[string]string{
		"cut off":          good[:lastSample],
		"no end":           good[:strings.LastIndex(good, endStatistics)],
		"after the end":    good + "x\n",
		"fewer tensors":    strings.Replace(good, statisticsWord+" ", statisticsWord+" 1", 1),
		"a bin more":       good[:bins] + "1 " + good[bins:],
		"a count is wrong": good[:bins] + "1" + good[bins:],
		"many bins":        good[:bins] + "0*99999999 " + good[bins:],
		"range":            strings.Replace(good, "histogram ", "histogram -0x1p+09 ", 1),
		"name":             strings.Replace(good, "a_1\n ", "a_2\n ", 1),
		"infinite range":   strings.Replace(good, "histogram -", "histogram -Inf", 1),
		"digest":           strings.Replace(good, "sample ", "sample x", 1),
		"samples":          good[:lastSample] + good[lastSample:lastSample+71] + " -1" + good[lastSample+71:],
		"twice": good[:lastSample] + good[lastSample:strings.LastIndex(good, endStatistics)] +
			good[lastSample:],
	} {
		if in == good {
			t.Errorf("%s: the text has nothing to spoil", name)
		}
		if _, err := ParseTable(bytes.NewReader([]byte(in))); !errors.Is(err, ErrTable) && !errors.Is(err, ErrTruncated) {
			t.Errorf("%s: %v, want ErrTable or ErrTruncated", name, err)
		}
	}
}
