package infer

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/model"
)

// oddNet has channels that fill no block of any layout, so that packed weights
// have padding.
func oddNet(t testing.TB) *model.Model {
	t.Helper()
	b := &tinyBuilder{t: t, m: model.New(), rng: rand.New(rand.NewPCG(7, 8))}
	b.m.Name = "odd"
	b.block = b.m.Program.Blocks[0]
	b.block.AddFeed("image", model.FP32, -1, 3, 16, 16)
	x := b.conv("image", "c1", 3, 21, 3, "relu")
	x = b.conv(x, "c2", 21, 37, 3, "relu")
	b.block.AddFetch(b.conv(x, "c3", 37, 5, 1, ""))
	return b.m
}

// cached runs m with a cache and returns its output, what was logged and how
// many bytes of weights were mapped.
func cached(t *testing.T, m *model.Model, dir string, batch int) (out []byte, log string, mapped int) {
	t.Helper()
	var text bytes.Buffer
	p, err := NewPredictor(m, Options{Streams: 1, Threads: 1, PackedCache: dir, Logger: slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got, err := p.Run(t.Context(), images(t, batch, 1))
	if err != nil {
		t.Fatal(err)
	}
	mapped = p.MemoryStats().MappedBytes
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return got[0].Data, text.String(), mapped
}

// packFiles lists a cache folder, where nothing but pack files may stay.
func packFiles(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		if !strings.HasSuffix(e.Name(), packSuffix) {
			t.Errorf("%s stays in the cache", e.Name())
		}
		names = append(names, filepath.Join(dir, e.Name()))
	}
	return names
}

// TestPackedCache runs networks without a cache, with an empty one and with a
// filled one: the answers are the same, and the filled one is used.
func TestPackedCache(t *testing.T) {
	alive := dnnl.Live()
	for name, m := range map[string]*model.Model{"tiny": tinyNet(t), "odd": oddNet(t)} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new", "folder")
			for _, batch := range []int{1, 3} {
				want, _, _ := cached(t, m, "", batch)
				for _, round := range []string{"first", "second"} {
					got, log, mapped := cached(t, m, dir, batch)
					if !bytes.Equal(got, want) || log != "" {
						t.Errorf("batch %d, %s time: other answers, or it complains: %q", batch, round, log)
					}
					if round == "second" && mapped < 4*37*21 {
						t.Errorf("batch %d: %d bytes mapped", batch, mapped)
					}
				}
			}
			if files := packFiles(t, dir); len(files) != 1 {
				t.Errorf("the cache has %v, want one file", files)
			}
		})
	}
	if n := dnnl.Live(); n != alive {
		t.Errorf("%d oneDNN objects alive, %d before", n, alive)
	}
}

// TestPackedCacheDamage offers files that are no good: each is told, answers
// stay as they were, and the next time the cache is sound again.
func TestPackedCacheDamage(t *testing.T) {
	m := tinyNet(t)
	want, _, _ := cached(t, m, "", 1)
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, file string, data []byte) []byte
	}{
		{"empty", func(_ *testing.T, _ string, _ []byte) []byte { return nil }},
		{"something else", func(_ *testing.T, _ string, d []byte) []byte { return bytes.Repeat([]byte("octet "), len(d)/6) }},
		{"only a head", func(_ *testing.T, _ string, d []byte) []byte { return d[:packHead] }},
		{"cut in the entries", func(_ *testing.T, _ string, d []byte) []byte { return d[:packHead+packEntry+5] }},
		{"cut in the weights", func(_ *testing.T, _ string, d []byte) []byte { return d[:len(d)-arenaAlign] }},
		{"a bit of the entries", func(_ *testing.T, _ string, d []byte) []byte { d[packHead+33] ^= 1; return d }},
		{"a bit of the weights", func(_ *testing.T, _ string, d []byte) []byte { d[packAlign+1] ^= 0x10; return d }},
		{"so many entries", func(_ *testing.T, _ string, d []byte) []byte { copy(d[8:], "\xff\xff\xff\xff"); return d }},
		{"writable by others", func(t *testing.T, file string, d []byte) []byte {
			if err := os.Chmod(file, 0o666); err != nil {
				t.Fatal(err)
			}
			return d
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			cached(t, m, dir, 1)
			file := packFiles(t, dir)[0]
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, c.damage(t, file, data), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, log, _ := cached(t, m, dir, 1); !bytes.Equal(got, want) || !strings.Contains(log, "written anew") {
				t.Errorf("other answers, or no word about it: %q", log)
			}
			if got, log, mapped := cached(t, m, dir, 1); !bytes.Equal(got, want) || log != "" || mapped == 0 {
				t.Errorf("not mended: %d bytes mapped, %q", mapped, log)
			}
		})
	}
}

// TestPackedCacheTellsModelsApart runs models of one name with other weights.
func TestPackedCacheTellsModelsApart(t *testing.T) {
	dir := t.TempDir()
	m := tinyNet(t)
	before, _, _ := cached(t, m, dir, 1)
	other := m.Clone()
	w := m.Params["c2_w"]
	x := append([]float32(nil), w.Float32s()...)
	x[7]++
	changed, err := model.Float32Tensor(x, w.Dims...)
	if err != nil {
		t.Fatal(err)
	}
	other.Params["c2_w"] = changed
	want, _, _ := cached(t, other, "", 1)
	if got, _, _ := cached(t, other, dir, 1); !bytes.Equal(got, want) || bytes.Equal(got, before) {
		t.Error("the cache gives the weights of another model")
	}
}

// TestPackedCacheReadsNothing loads a model lazily and overwrites its
// parameters: with a filled cache nobody reads them, without one that fails.
func TestPackedCacheReadsNothing(t *testing.T) {
	b := &tinyBuilder{t: t, m: model.New(), rng: rand.New(rand.NewPCG(7, 8))}
	b.m.Name = "large"
	b.block = b.m.Program.Blocks[0]
	b.block.AddFeed("image", model.FP32, -1, 3, 16, 16)
	b.block.AddFetch(b.conv(b.conv("image", "c1", 3, 64, 3, "relu"), "c2", 64, 64, 3, "")) // 147 kB of weights
	path, dir := filepath.Join(t.TempDir(), "m"), t.TempDir()
	if err := model.Save(b.m, path, model.WithForm(model.FormPdModel)); err != nil {
		t.Fatal(err)
	}
	params := path + ".pdiparams"
	load := func() *model.Model {
		m, err := model.Load(path, model.WithLazyParams())
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for load().Params["c2_w"].Identity() == "" { // the file is too new to be told from a later one
		time.Sleep(100 * time.Millisecond)
	}
	want, _, _ := cached(t, load(), dir, 1)
	m, without := load(), load()
	data, err := os.ReadFile(params)
	if err == nil {
		err = os.WriteFile(params, append(data, 0), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, log, _ := cached(t, m, dir, 1); !bytes.Equal(got, want) || log != "" {
		t.Errorf("other answers, or it complains: %q", log)
	}
	p, err := NewPredictor(without, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Run(t.Context(), images(t, 1, 1)); err == nil {
		t.Error("without a cache nobody noticed that the file has changed: this test shows nothing")
	}
}

// TestPackedCacheTogether lets many predictors fill one cache.
func TestPackedCacheTogether(t *testing.T) {
	m, dir := tinyNet(t), t.TempDir()
	want, _, _ := cached(t, m, "", 2)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, log, _ := cached(t, m, dir, 2); !bytes.Equal(got, want) || log != "" {
				t.Errorf("other answers, or it complains: %q", log)
			}
		})
	}
	wg.Wait()
	packFiles(t, dir)
}

// TestPackedCacheUnwritable has a file where the folder should be.
func TestPackedCacheUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m := tinyNet(t)
	want, _, _ := cached(t, m, "", 1)
	if got, log, _ := cached(t, m, file, 1); !bytes.Equal(got, want) || !strings.Contains(log, "cannot cache") {
		t.Errorf("other answers, or no word about it: %q", log)
	}
}

// TestPrunePacked keeps the files used last.
func TestPrunePacked(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for i := range 5 {
		name := filepath.Join(dir, fmt.Sprintf("%d%s", i, packSuffix))
		if err := os.WriteFile(name, make([]byte, 100), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, now, now.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	abandoned := filepath.Join(dir, packAside+"1")
	if err := os.WriteFile(abandoned, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(abandoned, now, now.Add(-2*packAbandoned)); err != nil {
		t.Fatal(err)
	}
	if err := prunePacked(dir, 250); err != nil {
		t.Fatal(err)
	}
	if files := packFiles(t, dir); len(files) != 2 || filepath.Base(files[0]) != "3"+packSuffix {
		t.Errorf("%v stay, want the last two", files)
	}
}

// FuzzPackIndex gives packIndex any bytes.
func FuzzPackIndex(f *testing.F) {
	list := make([]byte, packEntry)
	f.Add(append([]byte(packMagic), make([]byte, 8)...))
	f.Add(append(append([]byte(packMagic), 1, 0, 0, 0, 0, 0, 0, 0), list...))
	f.Fuzz(func(t *testing.T, data []byte) {
		at, err := packIndex(data)
		for id, s := range at {
			if err != nil || s.offset < 0 || s.size < 0 || s.offset+s.size > len(data) {
				t.Fatalf("entry %x has %d bytes at %d of %d, error %v", id, s.size, s.offset, len(data), err)
			}
		}
	})
}
