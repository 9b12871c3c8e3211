package model

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"unsafe"

	"google.golang.org/protobuf/proto"

	"github.com/octet-dnn/octet/model/internal/pb"
)

// A parameter file is a sequence of LoDTensor streams, each
//
//	u32  0                   version of the LoD part
//	u64  levels              number of LoD levels, then for each level
//	u64  bytes, …            its size and its u64 offsets
//	u32  0                   version of the tensor part
//	i32  size, …             a TensorDesc in protobuf form
//	…                        the elements, row-major, without padding
//
// all little endian. A file has one stream (one file a parameter) or those of
// all parameters, without names or index, in the byte order of their names.

// ReadTensor reads one parameter stream from r, of which size bytes may be
// read, under the default limits. It never allocates more for the data than
// size allows. Errors are FormatErrors, with offsets relative to r's position.
func ReadTensor(r io.Reader, size int64) (*Tensor, error) {
	lim, err := Limits{}.withDefaults()
	if err != nil {
		return nil, err
	}
	s := newStreamReader(lim)
	s.reset(r, size)
	return s.tensor()
}

// streamReader reads the streams of one file after another and accounts for
// the total of their data.
type streamReader struct {
	lim   Limits
	buf   *bufio.Reader
	file  io.ReaderAt // the current file, where large data is left to later
	later func(t *Tensor, at, n int64)
	pos   int64 // bytes consumed of the current file
	size  int64 // bytes that the current file has
	total int64 // data bytes of all tensors read
	word  [8]byte
}

// newStreamReader makes a reader for files to come. Its buffer is small: it
// serves the headers, and the data passes it by.
func newStreamReader(lim Limits) *streamReader {
	return &streamReader{lim: lim, buf: bufio.NewReaderSize(nil, 4096)}
}

func (s *streamReader) reset(r io.Reader, size int64) {
	s.buf.Reset(r)
	s.pos, s.size = 0, size
	s.file, s.later = nil, nil
}

// leave makes s leave the large data of the current file to later, which is
// given the tensor, the offset and the bytes. It does nothing for files that
// cannot be read at an offset.
func (s *streamReader) leave(f fs.File, later func(t *Tensor, at, n int64)) {
	if r, ok := f.(io.ReaderAt); ok {
		s.file, s.later = r, later
	}
}

// left returns how many bytes the file has behind the current position.
func (s *streamReader) left() int64 { return s.size - s.pos }

// tensor reads one stream. Every size is checked against the rest of the file
// before memory is taken for it.
func (s *streamReader) tensor() (*Tensor, error) {
	if err := s.version("LoD version"); err != nil {
		return nil, err
	}
	t := &Tensor{}
	if err := s.lod(t); err != nil {
		return nil, err
	}
	if err := s.version("tensor version"); err != nil {
		return nil, err
	}
	if err := s.desc(t); err != nil {
		return nil, err
	}
	return t, s.data(t)
}

// fault is a FormatError at the current position.
func (s *streamReader) fault(subject, expected, seen string) *FormatError {
	err := malformed(subject, expected, seen)
	err.Offset = s.pos
	return err
}

// fill reads len(p) bytes; what names the field for the error.
func (s *streamReader) fill(p []byte, what string) error {
	if int64(len(p)) > s.left() {
		return s.fault(what, fmt.Sprintf("%d bytes", len(p)), fmt.Sprintf("the end of the file after %d", s.left()))
	}
	n, err := io.ReadFull(s.buf, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return shrank(what, len(p), n, s.pos)
	}
	s.pos += int64(n)
	return err
}

func (s *streamReader) uint32(what string) (uint32, error) {
	err := s.fill(s.word[:4], what)
	return binary.LittleEndian.Uint32(s.word[:]), err
}

func (s *streamReader) uint64(what string) (uint64, error) {
	err := s.fill(s.word[:8], what)
	return binary.LittleEndian.Uint64(s.word[:]), err
}

func (s *streamReader) version(what string) error {
	at := s.pos
	v, err := s.uint32(what)
	if err == nil && v != 0 {
		e := s.fault(what, "0", fmt.Sprint(v))
		e.Offset = at
		return e
	}
	return err
}

func (s *streamReader) lod(t *Tensor) error {
	levels, err := s.uint64("number of LoD levels")
	if err != nil {
		return err
	}
	if levels > maxLoDLevels {
		return s.fault("number of LoD levels", fmt.Sprintf("at most %d", maxLoDLevels), fmt.Sprint(levels))
	}
	for range levels {
		n, err := s.uint64("size of a LoD level")
		if err != nil {
			return err
		}
		if n%8 != 0 || n > uint64(max(s.left(), 0)) {
			return s.fault("size of a LoD level", fmt.Sprintf("a multiple of 8, at most the %d bytes left", s.left()), fmt.Sprint(n))
		}
		level, data := alignedWords(int64(n))
		if err := s.fill(data, "LoD level"); err != nil {
			return err
		}
		for i := range level {
			level[i] = binary.LittleEndian.Uint64(data[8*i:])
		}
		t.LoD = append(t.LoD, level)
	}
	return nil
}

// desc reads the TensorDesc and checks the size that it asks for.
func (s *streamReader) desc(t *Tensor) error {
	word, err := s.uint32("size of the tensor descriptor")
	if err != nil {
		return err
	}
	n := int64(int32(word))
	if n < 0 || n > maxDesc || n > s.left() {
		return s.fault("size of the tensor descriptor",
			fmt.Sprintf("0 to %d, within the %d bytes left", maxDesc, s.left()), fmt.Sprint(n))
	}
	raw, base := make([]byte, n), s.pos
	if err := s.fill(raw, "tensor descriptor"); err != nil {
		return err
	}
	if err := newScanner(s.lim, len(raw)).message(raw, base, tensorType); err != nil {
		return err
	}
	var d pb.TensorDesc
	if err := unmarshal(raw, &d); err != nil {
		return at(err, base)
	}
	t.DType, t.Dims = DType(d.GetDataType()), d.GetDims()
	return at(checkDesc(t.DType, t.Dims, s.lim), base)
}

// checkDesc refuses element types and dims that no parameter has.
func checkDesc(d DType, dims []int64, lim Limits) error {
	if d.Size() == 0 {
		return malformed("tensor descriptor", "an element type of tensors", d.String())
	}
	if len(dims) > lim.Rank {
		return tooLarge("tensor descriptor", "Rank", int64(lim.Rank), fmt.Sprintf("%d dims", len(dims)))
	}
	for _, dim := range dims {
		if dim > lim.Dim {
			return tooLarge("tensor descriptor", "Dim", lim.Dim, fmt.Sprintf("dims %v", dims))
		}
	}
	return nil
}

// data takes memory for the elements and reads them.
func (s *streamReader) data(t *Tensor) error {
	limit := min(s.lim.TensorBytes, s.lim.TotalBytes-s.total)
	elems, err := checkedElems(t.Dims, uint64(max(limit, 0))/uint64(t.DType.Size()))
	if err != nil {
		e := s.fault("tensor dims", "", "")
		if errors.Is(err, ErrTooLarge) {
			e = tooLarge("tensor data", "TensorBytes, TotalBytes", limit, fmt.Sprintf("%v dims %v", t.DType, t.Dims))
			e.Offset = s.pos
		}
		e.Err = err
		return e
	}
	n := int64(elems) * int64(t.DType.Size())
	if n > s.left() {
		return s.fault("tensor data", fmt.Sprintf("%d bytes for %v dims %v", n, t.DType, t.Dims), fmt.Sprintf("%d bytes left", s.left()))
	}
	s.total += n
	if s.file == nil || n < largeData {
		_, t.Data = alignedWords(n)
		return s.fill(t.Data, "tensor data")
	}
	s.later(t, s.pos, n)
	s.pos += n
	s.buf.Reset(io.NewSectionReader(s.file, s.pos, s.left()))
	return nil
}

// alignedWords returns n zero bytes that start at a multiple of 8, and the
// same memory as words (the last one may be partly outside).
func alignedWords(n int64) ([]uint64, []byte) {
	words := make([]uint64, (n+7)/8)
	if n == 0 {
		return words, nil
	}
	return words, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), n)
}

// WriteTensor writes t as one parameter stream. It fails, before it writes
// anything, where t's data does not have the size of its dims.
func WriteTensor(w io.Writer, t *Tensor) error {
	if err := checkTensor(t); err != nil {
		return err
	}
	desc := &pb.TensorDesc{DataType: proto.Int32(int32(t.DType)), Dims: t.Dims}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(desc)
	if err != nil {
		return err
	}
	head := binary.LittleEndian.AppendUint32(nil, 0)
	head = binary.LittleEndian.AppendUint64(head, uint64(len(t.LoD)))
	for _, level := range t.LoD {
		head = binary.LittleEndian.AppendUint64(head, 8*uint64(len(level)))
		for _, x := range level {
			head = binary.LittleEndian.AppendUint64(head, x)
		}
	}
	head = binary.LittleEndian.AppendUint32(head, 0)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(raw)))
	if _, err := w.Write(append(head, raw...)); err != nil {
		return err
	}
	data, err := t.Bytes()
	if err == nil {
		_, err = w.Write(data)
	}
	return err
}

// checkTensor reports whether t's data has the size of its dims.
func checkTensor(t *Tensor) error {
	if t == nil {
		return malformed("tensor", "a tensor", "nil")
	}
	size := t.DType.Size()
	if size == 0 {
		return malformed("tensor", "an element type of tensors", t.DType.String())
	}
	elems, err := checkedElems(t.Dims, math.MaxInt64/uint64(size))
	if err != nil || elems*uint64(size) != uint64(t.Size()) {
		return malformed("tensor", fmt.Sprintf("the data of %v dims %v", t.DType, t.Dims), fmt.Sprintf("%d bytes", t.Size()))
	}
	if len(t.LoD) > maxLoDLevels {
		return malformed("tensor", fmt.Sprintf("at most %d LoD levels", maxLoDLevels), fmt.Sprint(len(t.LoD)))
	}
	return nil
}
