package calibrate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/parallel"
	"github.com/octet-dnn/octet/model"
)

// albumBatch is how many images of an album run at once: enough for all streams.
const albumBatch = 16

// An album keeps some of the samples in a temporary file without a name, to be run again:
// those with the smallest digests, up to a number, as a sketch does. So neither
// the order of the samples nor their batches decide which are kept, nor in which
// order they come back. Samples of equal content are one.
type album struct {
	file *os.File
	most int
	end  int64           // of the file's used part
	free map[int64]holes // by size
	kept []page          // in order of digests, each once
}

type holes []int64 // offsets

// A page is one image of an album.
type page struct {
	digest digest
	at     int64
	size   int64
}

func newAlbum(dir string, most int) (*album, error) {
	f, err := unnamedFile(dir)
	if err != nil {
		return nil, err
	}
	return &album{file: f, most: most, free: make(map[int64]holes)}, nil
}

// images returns how many there are.
func (a *album) images() int { return len(a.kept) }

// place returns where d belongs in order, and whether the album would take it.
func (a *album) place(d digest) (at int, wanted bool) {
	at, found := slices.BinarySearchFunc(a.kept, d, func(p page, d digest) int { return bytes.Compare(p.digest[:], d[:]) })
	return at, !found && at < a.most
}

// write puts those images of a batch that the album wants into its file. They
// count when add takes them; until then the album is as before.
func (a *album) write(in []*model.Tensor, digests []digest) (pages []page, err error) {
	var images [][]*model.Tensor
	for i, d := range digests {
		if _, wanted := a.place(d); !wanted || slices.ContainsFunc(pages, func(p page) bool { return p.digest == d }) {
			continue
		}
		one := viewOf(in, i, len(digests))
		p := page{digest: d, size: spooledSize(one)}
		if h := a.free[p.size]; len(h) > 0 {
			p.at, a.free[p.size] = h[len(h)-1], h[:len(h)-1]
		} else {
			p.at = a.end
			a.end += p.size
		}
		pages, images = append(pages, p), append(images, one)
	}
	failed := make([]error, len(pages))
	parallel.Each(len(pages), func(i int) {
		w := bufio.NewWriter(io.NewOffsetWriter(a.file, pages[i].at)) // what is larger than its buffer passes it by
		writeSpooled(w, images[i])
		failed[i] = w.Flush()
	})
	if err := errors.Join(failed...); err != nil {
		a.forget(pages)
		return nil, fmt.Errorf("keep a sample to be run again: %w", err)
	}
	return pages, nil
}

// add takes what write has written. Those with the largest digests make room.
func (a *album) add(pages []page) {
	for _, p := range pages {
		at, wanted := a.place(p.digest)
		if !wanted { // smaller ones came with it
			a.forget([]page{p})
			continue
		}
		a.kept = slices.Insert(a.kept, at, p)
		if len(a.kept) > a.most {
			a.forget(a.kept[a.most:])
			a.kept = slices.Delete(a.kept, a.most, len(a.kept))
		}
	}
}

// forget gives the room of pages to later ones.
func (a *album) forget(pages []page) {
	for _, p := range pages {
		a.free[p.size] = append(a.free[p.size], p.at)
	}
}

// each calls f for all images in order of digests, several at a time where
// inputs allow. The tensors are valid during the call.
func (a *album) each(inputs []*graph.Value, f func(batch []*model.Tensor) error) error {
	for rest := a.kept; len(rest) > 0; {
		batch, err := a.read(rest[0], len(inputs))
		if err != nil {
			return err
		}
		n := 1
		for ; n < min(len(rest), albumBatch); n++ {
			next, err := a.read(rest[n], len(inputs))
			if err != nil {
				return err
			}
			if !join(batch, next, inputs) {
				break
			}
		}
		if err := f(batch); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

func (a *album) read(p page, inputs int) ([]*model.Tensor, error) {
	r := bufio.NewReaderSize(io.NewSectionReader(a.file, p.at, p.size), 1<<20)
	in := make([]*model.Tensor, inputs)
	for i := range in {
		t, err := readSpooled(r)
		if err != nil {
			return nil, fmt.Errorf("read a sample that was kept: %w", err)
		}
		in[i] = t
	}
	return in, nil
}

// join adds an image to a batch, or returns false where the network takes one at
// a time or the two differ in shape.
func join(batch, one []*model.Tensor, inputs []*graph.Value) bool {
	for i, t := range one {
		b, declared := batch[i], inputs[i].Dims
		if len(t.Dims) == 0 || t.Dims[0] != 1 || len(t.LoD) > 0 || t.DType != b.DType || !slices.Equal(t.Dims[1:], b.Dims[1:]) ||
			len(declared) == 0 || declared[0] > 0 {
			return false
		}
	}
	for i, t := range one {
		batch[i].Data = append(batch[i].Data, t.Data...)
		batch[i].Dims[0]++
	}
	return true
}

func (a *album) close() error { return a.file.Close() }

// unnamedFile makes a temporary file that only this process reads: it is gone
// when it is closed or the process ends.
func unnamedFile(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "octet-calibrate-*")
	if err != nil {
		return nil, fmt.Errorf("keep samples to be run again: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("keep samples to be run again: %w", err), f.Close())
	}
	return f, nil
}
