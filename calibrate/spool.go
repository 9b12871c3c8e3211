package calibrate

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/octet-dnn/octet/model"
)

// A spool keeps batches of input tensors in a temporary file, so that all can
// be run a second time without staying in memory.
type spool struct {
	file *os.File
	end  int64 // of the batches kept
}

func newSpool(dir string) (*spool, error) {
	f, err := unnamedFile(dir)
	if err != nil {
		return nil, err
	}
	return &spool{file: f}, nil
}

// append adds a batch. On an error the spool is as before.
func (s *spool) append(batch []*model.Tensor) error {
	w := bufio.NewWriter(io.NewOffsetWriter(s.file, s.end)) // what is larger than its buffer passes it by
	writeSpooled(w, batch)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("keep a sample for a second pass: %w", err)
	}
	s.end += spooledSize(batch)
	return nil
}

// writeSpooled writes tensors as readSpooled reads them.
func writeSpooled(w *bufio.Writer, batch []*model.Tensor) {
	for _, t := range batch {
		w.Write(spooledHeader(t)) // a bufio.Writer keeps its first error for Flush
		w.Write(t.Data)
	}
}

// spooledSize is how much writeSpooled writes.
func spooledSize(batch []*model.Tensor) (size int64) {
	for _, t := range batch {
		size += int64(len(spooledHeader(t)) + len(t.Data))
	}
	return size
}

func spooledHeader(t *model.Tensor) (b []byte) {
	header := []int64{int64(t.DType), int64(len(t.Dims))}
	header = append(append(header, t.Dims...), int64(len(t.LoD)))
	for _, level := range t.LoD {
		header = append(header, int64(len(level)))
		for _, offset := range level {
			header = append(header, int64(offset))
		}
	}
	for _, n := range append(header, int64(len(t.Data))) {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return b
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
