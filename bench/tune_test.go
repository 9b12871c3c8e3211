package bench

import (
	"testing"
	"time"

	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// TestTuneAndKeep tunes a small network and finds the result again.
func TestTuneAndKeep(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	m, err := model.Load("../testdata/demo/mobilenet")
	if err != nil {
		t.Fatal(err)
	}
	if o := Tuned(m, infer.Options{}); o.Tuning != nil {
		t.Errorf("tuned before: %+v", o.Tuning)
	}
	ways := 0
	tuning, err := Tune(t.Context(), m, TuneOptions{MinTime: time.Millisecond, Progress: func(done, all int) {
		ways++
		if done != ways || all != len(tuneCache)+len(tuneBatch)-1 {
			t.Errorf("progress %d of %d after %d ways", done, all, ways)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if tuning.MicroBatch == 0 || tuning.CacheBytes == 0 || tuning.Kernels.Len() == 0 || tuning.Model != model.Fingerprint(m) {
		t.Errorf("tuning %+v: want all of it filled", tuning)
	}
	if _, err := Keep(m, tuning); err != nil {
		t.Fatal(err)
	}
	o := Tuned(m, infer.Options{})
	if o.Tuning == nil || o.Tuning.Machine != ThisMachine().String() {
		t.Errorf("kept, but found %+v", o.Tuning)
	}
}
