package infer

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// packVersion changes whenever weights are packed differently from the same
// parameters.
const packVersion = 1

// A packCache keeps the packed weights of one network in a file, see
// Options.PackedCache. It is never in the way: what goes wrong with the file is
// logged, and the weights are packed as without it. Its methods may be called
// from many goroutines, and on nil.
type packCache struct {
	name string
	log  *slog.Logger
	open func() *packFile // once, when the first weights are wanted

	mu      sync.Mutex
	weights map[packID][]byte // all in use, packed here or mapped
	fresh   bool              // some of them are not in the file
	writing sync.WaitGroup
}

// newPackCache names the file after the network's parameters and after what
// decides about their packing. It returns nil without a folder.
func newPackCache(dir string, g *graph.Graph, log *slog.Logger) *packCache {
	if dir == "" {
		return nil
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", packEnvironment(), g.Name)
	for _, l := range g.Layers {
		for _, v := range l.In {
			if v != nil && v.Const != nil {
				fmt.Fprintf(h, "%q %v %v %q\n", v.Name, v.Const.DType, v.Const.Dims, v.Const.Identity())
			}
		}
	}
	c := &packCache{name: filepath.Join(dir, fmt.Sprintf("%x%s", h.Sum(nil)[:16], packSuffix)), log: log, weights: map[packID][]byte{}}
	c.open = sync.OnceValue(c.load)
	return c
}

// packEnvironment is what packing depends on besides weights and layouts.
func packEnvironment() string {
	v := dnnl.LibraryVersion()
	return fmt.Sprintf("packed weights %d, oneDNN %v %s, %v", packVersion, v, v.Hash, dnnl.EffectiveCPUISA())
}

// load maps the file, if it is there and sound.
func (c *packCache) load() *packFile {
	f, err := openPackFile(c.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		c.log.Warn("the cache of packed weights is left out and written anew", "err", err)
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(c.name, now, now) // so that prune leaves it; it may belong to root
	return f
}

// id digests what weights w depend on when they are packed as packer.pack does.
func (c *packCache) id(w *model.Tensor, q *graph.Int8, mask int, src, want *dnnl.Desc) (packID, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%v %v, %d bytes, from %v, %d bytes, mask %d\n", packEnvironment(), w.DType, want, want.Size(), src, src.Size(), mask)
	if q != nil && w.DType == model.FP32 {
		for _, s := range q.ScaleWeights {
			h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(s)))
		}
	}
	if name := w.Identity(); name != "" {
		fmt.Fprintf(h, "\n%s", name)
		return packID(h.Sum(nil)), nil
	}
	data, err := w.Bytes()
	sum := sha256.Sum256(data)
	fmt.Fprintf(h, "\ndata %x", sum)
	return packID(h.Sum(nil)), err
}

// get returns packed weights that the file has, nil if there are none. They
// are read-only.
func (c *packCache) get(id packID, size int) []byte {
	if c == nil {
		return nil
	}
	f := c.open()
	if f == nil {
		return nil
	}
	b, ok, err := f.get(id, size)
	if err != nil {
		c.log.Warn("packed weights in the cache are left out and written anew", "file", c.name, "err", err)
	}
	if !ok {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.weights[id] = b[:alignUp(size)]
	return b
}

// put remembers weights that have been packed; they must stay until close.
func (c *packCache) put(id packID, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.weights[id], c.fresh = b, true
}

// save starts to write the file anew if there is something new in it.
func (c *packCache) save() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fresh {
		c.fresh = false
		c.writing.Go(c.write)
	}
}

// write writes what is in use, and what else is sound in the file: plans that
// this process has not needed yet.
func (c *packCache) write() {
	c.mu.Lock()
	all := maps.Clone(c.weights)
	c.mu.Unlock()
	if f := c.open(); f != nil {
		for id, s := range f.at {
			if b, ok, _ := f.get(id, s.size); ok && all[id] == nil {
				all[id] = b
			}
		}
	}
	err := writePackFile(c.name, all)
	if err == nil {
		err = prunePacked(filepath.Dir(c.name), packFileLimit)
	}
	if err != nil {
		c.log.Warn("cannot cache packed weights", "err", err)
	}
}

// close waits for what is being written and unmaps the file.
func (c *packCache) close() error {
	if c == nil {
		return nil
	}
	c.writing.Wait()
	return c.open().close()
}

// packAbandoned is how old a file is that nobody is writing any more: whoever
// was has been killed.
const packAbandoned = time.Hour

// prunePacked removes the pack files of a folder that were used longest ago,
// until those that stay have limit bytes at most.
func prunePacked(dir string, limit int64) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	for _, e := range list {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), packAside) && time.Since(info.ModTime()) > packAbandoned {
			_ = os.Remove(filepath.Join(dir, e.Name())) // it may be another's; the next one tries again
			continue
		}
		if err == nil && info.Mode().IsRegular() && strings.HasSuffix(e.Name(), packSuffix) {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, f := range files {
		if limit -= f.Size(); limit < 0 {
			if e := os.Remove(filepath.Join(dir, f.Name())); e != nil && !errors.Is(e, fs.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
	}
	return err
}
