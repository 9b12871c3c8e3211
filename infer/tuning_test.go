package infer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTuningFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tuning.json")
	if _, err := LoadTuning(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: error %v, want fs.ErrNotExist", err)
	}
	want := &Tuning{Machine: "m", Model: "f", Streams: 3, MicroBatch: 4, CacheBytes: 5 << 10, Kernels: NewKernelTable()}
	want.Kernels.put("a convolution", "a:kernel")
	for range 2 { // the second time over the first
		if err := want.Save(path); err != nil {
			t.Fatal(err)
		}
	}
	got, err := LoadTuning(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Kernels.m, got.Kernels.m); diff != "" {
		t.Errorf("kernels (-saved +loaded):\n%s", diff)
	}
	o := Options{Tuning: got}.withDefaults()
	if o.Streams != 3 || o.MicroBatch != 4 || o.CacheBytes != 5<<10 || o.Kernels != got.Kernels {
		t.Errorf("options from the tuning: %+v", o)
	}
	o = Options{Tuning: got, Streams: 1, MicroBatch: 2, CacheBytes: 7}.withDefaults()
	if o.Streams != 1 || o.MicroBatch != 2 || o.CacheBytes != 7 {
		t.Errorf("options beside the tuning: %+v", o)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".octet*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBadTuningFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, say string }{
		"empty":     {"", "unexpected end"},
		"not JSON":  {"micro_batch = 4", "invalid character"},
		"negative":  {`{"micro_batch": -1}`, "MicroBatch is -1"},
		"huge":      {`{"streams": 1000000}`, "Streams is 1000000"},
		"fraction":  {`{"cache_bytes": 0.5}`, "cannot unmarshal"},
		"too large": {strings.Repeat(" ", tuningLimit+1), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tuning.json")
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := LoadTuning(path)
			if err == nil || !strings.Contains(err.Error(), c.say) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v: want one about %s with %q", err, path, c.say)
			}
		})
	}
}
