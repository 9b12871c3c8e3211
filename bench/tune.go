package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// TuneOptions say how long to measure.
type TuneOptions struct {
	// MinTime is how long each way to run the network is measured; 0 means 1 s.
	MinTime time.Duration
	// Progress, if not nil, hears of every way that has been measured.
	Progress func(done, all int)
}

// The ways that Tune tries, one dimension after the other: what a layer may
// read and write in one go, in bytes, then the images a stream takes at once.
// The first of each is where it starts.
var (
	tuneCache = []int{4 << 20, 1 << 20, 2 << 20, 8 << 20, 16 << 20}
	tuneBatch = []int{8, 1, 2, 4, 16}
)

// Tune measures ways to run m, FP32 or INT8, and returns the one with the most
// images a second, with the kernels it learned. All inputs of m must have
// fixed dims but for the batch.
func Tune(ctx context.Context, m *model.Model, o TuneOptions) (*infer.Tuning, error) {
	if o.MinTime <= 0 {
		o.MinTime = time.Second
	}
	t := &tuner{m: m, o: o}
	best := infer.Tuning{Streams: infer.CPULimit(), MicroBatch: tuneBatch[0], CacheBytes: tuneCache[0], Kernels: infer.NewKernelTable()}
	rate, err := t.rate(ctx, best)
	if err != nil {
		return nil, err
	}
	try := func(next infer.Tuning) error {
		r, err := t.rate(ctx, next)
		if err == nil && r > rate*tuneGain {
			best, rate = next, r
		}
		return err
	}
	for _, cache := range tuneCache[1:] {
		next := best
		next.CacheBytes = cache
		if err := try(next); err != nil {
			return nil, err
		}
	}
	for _, batch := range tuneBatch[1:] {
		next := best
		next.MicroBatch = batch
		if err := try(next); err != nil {
			return nil, err
		}
	}
	best.Machine, best.Model = ThisMachine().String(), model.Fingerprint(m)
	return &best, nil
}

// tuneGain is what another way must be faster by to be taken.
const tuneGain = 1.005

// A tuner measures one network.
type tuner struct {
	m    *model.Model
	o    TuneOptions
	done int
}

// rate returns images a second: the best of some windows, for the larger
// batches that throughput is about.
func (t *tuner) rate(ctx context.Context, way infer.Tuning) (rate float64, err error) {
	p, err := infer.NewPredictor(t.m, infer.Options{Tuning: &way, LearnKernels: true})
	if err != nil {
		return 0, fmt.Errorf("tune: %w", err)
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	// Single images first, often enough to go both ways: their kernels are learned too.
	for _, n := range []int{1, 4 * way.Streams * way.MicroBatch} {
		if rate, err = t.best(ctx, p, n); err != nil {
			return 0, fmt.Errorf("tune: %w", err)
		}
	}
	t.done++
	if t.o.Progress != nil {
		t.o.Progress(t.done, len(tuneCache)+len(tuneBatch)-1)
	}
	return rate, nil
}

// best measures p with batches of n.
func (t *tuner) best(ctx context.Context, p *infer.Predictor, n int) (best float64, err error) {
	in, err := Inputs(p.Inputs(), n)
	if err != nil {
		return 0, err
	}
	probe, err := NewProbe(ctx, p, in)
	if err != nil {
		return 0, err
	}
	const windows = 5
	for range windows {
		rate, err := probe.Window(ctx, t.o.MinTime/windows)
		if err != nil {
			return 0, err
		}
		best = max(best, rate)
	}
	return best, nil
}

// Tuned returns o with the tuning that was kept on this machine for m, or for the
// same network with other weights, if there is one and o has none. It does not
// read the parameters of m. One that cannot be read is worth a warning to o's
// logger, not an error: it is a cache.
func Tuned(m *model.Model, o infer.Options) infer.Options {
	path, err := tuningFile(m)
	if o.Tuning != nil || err != nil {
		return o
	}
	t, err := infer.LoadTuning(path)
	switch {
	case err == nil:
		o.Tuning = t
	case !errors.Is(err, fs.ErrNotExist) && o.Logger != nil:
		o.Logger.Warn("the tuning of this model is left out", "err", err)
	}
	return o
}

// Keep saves the tuning of m on this machine where Tuned finds it, and returns
// the file.
func Keep(m *model.Model, t *infer.Tuning) (string, error) {
	path, err := tuningFile(m)
	if err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	return path, t.Save(path)
}

// tuningFile returns a file in the user's cache folder, named after the outline
// of m and the machine: to read all parameters would cost more than most
// tunings gain, and their values change nothing about the time.
func tuningFile(m *model.Model) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	key := sha256.Sum256([]byte(ThisMachine().String() + "\n" + model.Outline(m)))
	return filepath.Join(dir, "octet", "tuning", fmt.Sprintf("%x.json", key[:12])), nil
}
