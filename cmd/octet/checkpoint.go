package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
)

// checkpointExt is behind the name of an output whose calibration is not done.
const checkpointExt = ".checkpoint"

// checkpointInterval is how much work a kill may cost. Writing takes some tens
// of milliseconds.
const checkpointInterval = 10 * time.Second

// A checkpointFlags is the flags about calibrations that are killed.
type checkpointFlags struct {
	resume bool
	every  time.Duration
}

func (f *checkpointFlags) register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.resume, "resume", false, "go on where an earlier run to the same OUT was killed or interrupted")
	flags.DurationVar(&f.every, "checkpoint-every", checkpointInterval, "keep what has been gathered in OUT"+checkpointExt+" so often, for --resume; 0 after each batch")
}

// A checkpoint is the file that a calibration keeps what it has gathered in,
// until the INT8 model is saved. The methods of nil, for calibrations that
// cannot go on, do nothing.
type checkpoint struct {
	a        *app
	path     string
	every    time.Duration
	last     time.Time // when it was written, or sampling began
	bindings []calibrate.Binding
	from     *calibrate.Checkpoint // that this run goes on from, or nil
	there    bool                  // the file is this run's
}

// checkpoint reads what there is to go on from.
func (f *calibrateFlags) checkpoint(a *app, o calibrate.Options, out string) (*checkpoint, error) {
	if f.every < 0 {
		return nil, usagef("--checkpoint-every is %v: want 0 or more", f.every)
	}
	if o.Compat == calibrate.Paddle13 && strings.EqualFold(string(o.Algorithm), string(calibrate.KL)) {
		if f.resume {
			return nil, usagef("--resume: Paddle 1.3's KL reads all samples twice, and what it has seen cannot be kept: %w", calibrate.ErrNoStatistics)
		}
		return nil, nil
	}
	if out == "" {
		return nil, nil // which checkOutput refuses
	}
	k := &checkpoint{a: a, path: filepath.Clean(out) + checkpointExt, every: f.every}
	from, err := loadCheckpoint(k.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if f.resume {
			a.warn("no %s: nothing to resume, starting with the first picture", k.path)
		}
	case !f.resume && err == nil:
		a.warn("%s is of a run that was not finished; this one starts anew and will replace it, --resume would go on", k.path)
		k.there = true
	case err != nil: // not Octet's, or damaged
		return nil, fmt.Errorf("%s: %w; remove it to start anew", k.path, err)
	default:
		k.from, k.there = from, true
	}
	return k, nil
}

func loadCheckpoint(path string) (*calibrate.Checkpoint, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	p, err := calibrate.ParseCheckpoint(f)
	return p, errors.Join(err, f.Close())
}

// bind says what the run depends on.
func (k *checkpoint) bind(list *dataset.List, preset dataset.Preset, f *calibrateFlags) {
	if k == nil {
		return
	}
	h := sha256.New()
	for _, s := range list.Samples {
		fmt.Fprintf(h, "%q %d\n", s.Path, s.Label)
	}
	text, _ := json.Marshal(preset) // numbers and strings, which cannot fail
	k.bindings = []calibrate.Binding{
		{Name: "the list of pictures", Value: fmt.Sprintf("%s with digest %x", plural(list.Len(), "picture"), h.Sum(nil))},
		{Name: "the preset", Value: string(text)},
		{Name: "--batch-size", Value: strconv.Itoa(f.batch)},
		{Name: "--bad-images", Value: f.bad},
		{Name: "--algo", Value: strings.ToLower(f.algo)},
		{Name: "--compat", Value: strconv.Quote(f.compat)},
	}
}

// restore makes c go on from the checkpoint, if there is one.
func (k *checkpoint) restore(c *calibrate.Calibrator) error {
	if k == nil {
		return nil
	}
	k.last = time.Now()
	if k.from == nil {
		return nil
	}
	if err := c.Resume(k.from, k.bindings...); err != nil {
		return fmt.Errorf("%s: %w", k.path, err)
	}
	return nil
}

// pictures returns how many pictures were seen before this run.
func (k *checkpoint) pictures() int {
	if k == nil || k.from == nil {
		return 0
	}
	return k.from.Table.Samples
}

// sampled writes the checkpoint if it is time; images is how many have been seen.
func (k *checkpoint) sampled(c *calibrate.Calibrator, images int) {
	if k != nil && images > k.pictures() && time.Since(k.last) >= k.every {
		k.write(c)
	}
}

// complete is called when all pictures have been seen. A checkpoint that a short
// run never wrote is not needed now either.
func (k *checkpoint) complete(c *calibrate.Calibrator, images int) error {
	switch {
	case k == nil:
		return nil
	case images < k.pictures():
		return fmt.Errorf("%s: made from %s, there are only %d: %w", k.path, plural(k.pictures(), "picture"), images, calibrate.ErrMismatch)
	case k.there && images > k.pictures():
		k.write(c)
	}
	return nil
}

// write replaces the file in one step. A calibration is not lost for a
// checkpoint that cannot be written.
func (k *checkpoint) write(c *calibrate.Calibrator) {
	p, err := c.Checkpoint(k.bindings...)
	if err == nil {
		err = replaceFile(k.path, p)
	}
	switch {
	case errors.Is(err, calibrate.ErrClosed): // interrupted
	case err != nil:
		k.a.warn("no checkpoint: %v", err)
	default:
		k.there = true
	}
	k.last = time.Now()
}

// newExt is behind the name of a file that is being written.
const newExt = ".new"

// replaceFile writes a file aside, synced before it takes its name.
func replaceFile(name string, text io.WriterTo) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	f, err := os.Create(name + newExt)
	if err != nil {
		return err
	}
	_, err = text.WriteTo(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name+newExt))
	}
	if err := os.Rename(name+newExt, name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// remove is called when the INT8 model is saved.
func (k *checkpoint) remove() error {
	if k == nil || !k.there {
		return nil
	}
	err := os.Remove(k.path + newExt)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.Remove(k.path)
	}
	return err
}

// hint tells how to go on from a run that was interrupted.
func (k *checkpoint) hint() {
	if k != nil && k.there {
		k.a.warn("octet calibrate --resume, with the same arguments, goes on from %s", k.path)
	}
}

// saved looks at an output that is in the way of a run that goes on: a kill may
// have come while that very run was saving it. ours says that this is so, whole
// that nothing is missing, which the last file to come tells: the program.
func (k *checkpoint) saved(out string) (ours, whole bool) {
	if k == nil || k.from == nil {
		return false, false
	}
	dir := out
	if ext := filepath.Ext(out); ext == ".pdmodel" || ext == onnxExt {
		dir = filepath.Dir(out)
	}
	t, err := loadTable(dir)
	if then := k.from.Table; err != nil || t.Model != then.Model || t.Data != then.Data || t.Samples != then.Samples {
		return false, false
	}
	_, err = os.Stat(out)
	return true, err == nil
}
