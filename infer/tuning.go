package infer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A Tuning is what was measured to be the fastest way to run one model on one
// machine, see bench.Tune. It changes how the work is cut and which of
// oneDNN's kernels do it, not what is computed; see [KernelTable] for the one
// reservation.
type Tuning struct {
	// Machine and Model say what was measured: a description, and the model's
	// fingerprint. Nothing checks them.
	Machine string `json:"machine"`
	Model   string `json:"model"`

	// Streams, MicroBatch, CacheBytes and Kernels serve where the options of a
	// predictor leave them zero.
	Streams    int          `json:"streams"`
	MicroBatch int          `json:"micro_batch"`
	CacheBytes int          `json:"cache_bytes"`
	Kernels    *KernelTable `json:"kernels"`
}

// tuningLimit is more than the tuning of a network with a thousand convolutions takes.
const tuningLimit = 4 << 20

// LoadTuning reads what Save wrote. The error is fs.ErrNotExist if there is no such file.
func LoadTuning(path string) (*Tuning, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("infer: tuning: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, tuningLimit+1))
	if err == nil && len(text) > tuningLimit {
		err = fmt.Errorf("more than %d bytes", tuningLimit)
	}
	t := &Tuning{}
	if err == nil {
		err = json.Unmarshal(text, t)
	}
	if err == nil {
		err = t.options().check()
	}
	if err != nil {
		return nil, fmt.Errorf("infer: tuning %s: %w", path, err)
	}
	return t, nil
}

// Save writes t, aside first and renamed then, so that no reader sees half of it.
func (t *Tuning) Save(path string) (err error) {
	text, err := json.MarshalIndent(t, "", "\t")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".octet-tuning-*")
	if err != nil {
		return fmt.Errorf("infer: save tuning: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("infer: save tuning: %w", err)
		}
	}()
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (t *Tuning) options() Options {
	return Options{Streams: t.Streams, MicroBatch: t.MicroBatch, CacheBytes: t.CacheBytes, Kernels: t.Kernels}
}

// tuned fills what o leaves zero from its tuning.
func (o Options) tuned() Options {
	t := o.Tuning
	if t == nil {
		return o
	}
	if o.Streams == 0 {
		o.Streams = t.Streams
	}
	if o.MicroBatch == 0 {
		o.MicroBatch = t.MicroBatch
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = t.CacheBytes
	}
	if o.Kernels == nil {
		o.Kernels = t.Kernels
	}
	return o
}
