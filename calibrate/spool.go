package calibrate

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/octet-dnn/octet/model"
)

// A spool keeps batches of input tensors in a temporary file, so that they can
// be run a second time without staying in memory. Only this process reads the
// file, and it has no name: it is gone when the spool is closed or the process ends.
type spool struct {
	file   *os.File
	end    int64 // of the batches kept
	images int   // in them
}

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "octet-calibrate-*")
	if err != nil {
		return nil, fmt.Errorf("keep samples for a second pass: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("keep samples for a second pass: %w", err), f.Close())
	}
	return &spool{file: f}, nil
}

// append adds a batch. On an error the spool is as before.
func (s *spool) append(batch []*model.Tensor) error {
	w := bufio.NewWriterSize(io.NewOffsetWriter(s.file, s.end), 1<<20)
	size := int64(0)
	put := func(data []byte) {
		w.Write(data) // a bufio.Writer keeps its first error for Flush
		size += int64(len(data))
	}
	for _, t := range batch {
		header := []int64{int64(t.DType), int64(len(t.Dims))}
		header = append(append(header, t.Dims...), int64(len(t.LoD)))
		for _, level := range t.LoD {
			header = append(header, int64(len(level)))
			for _, offset := range level {
				header = append(header, int64(offset))
			}
		}
		header = append(header, int64(len(t.Data)))
		var b []byte
		for _, n := range header {
			b = binary.LittleEndian.AppendUint64(b, uint64(n))
		}
		put(b)
		put(t.Data)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("keep a sample for a second pass: %w", err)
	}
	s.end += size
	if len(batch) > 0 && len(batch[0].Dims) > 0 {
		s.images += int(batch[0].Dims[0])
	}
	return nil
}

// each calls f for every batch of n tensors, in order. The tensors are valid
// during the call.
func (s *spool) each(n int, f func(batch []*model.Tensor) error) error {
	file := io.NewSectionReader(s.file, 0, s.end)
	r := bufio.NewReaderSize(file, 1<<20)
	for {
		if _, err := r.Peek(1); err == io.EOF {
			return nil
		}
		batch := make([]*model.Tensor, n)
		for i := range batch {
			t, err := readSpooled(r)
			if err != nil {
				return fmt.Errorf("read samples for the second pass: %w", err)
			}
			batch[i] = t
		}
		if err := f(batch); err != nil {
			return err
		}
	}
}

func readSpooled(r io.Reader) (*model.Tensor, error) {
	var err error
	next := func() int64 {
		var n int64
		if err == nil {
			err = binary.Read(r, binary.LittleEndian, &n)
		}
		return n
	}
	t := &model.Tensor{DType: model.DType(next())}
	t.Dims = make([]int64, next())
	for i := range t.Dims {
		t.Dims[i] = next()
	}
	t.LoD = make([][]uint64, next())
	for i := range t.LoD {
		t.LoD[i] = make([]uint64, next())
		for j := range t.LoD[i] {
			t.LoD[i][j] = uint64(next())
		}
	}
	t.Data = make([]byte, next())
	if err == nil {
		_, err = io.ReadFull(r, t.Data)
	}
	return t, err
}

func (s *spool) close() error { return s.file.Close() }
