// Package integers writes down every INT8 tensor that a network computes, and
// compares two such records byte by byte: oneDNN reads its limit of CPU
// instructions once a process, so that two sets of them mean two processes.
package integers

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// A header stands before the bytes of each tensor, as a line of JSON.
type header struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// A Recorder runs a network and writes its INT8 tensors.
type Recorder struct {
	p     *infer.Predictor
	names []string
	skip  int // outputs of the network itself
	w     *bufio.Writer
}

// NewRecorder compiles a copy of g that returns all its INT8 tensors, to write
// them to w. Close has to be called.
func NewRecorder(g *graph.Graph, w io.Writer) (*Recorder, error) {
	g = g.Clone()
	r := &Recorder{skip: len(g.Outputs), w: bufio.NewWriterSize(w, 1<<20)}
	for v := range g.Values() {
		if v.Producer != nil && (v.DType == model.UInt8 || v.DType == model.Int8) {
			r.names = append(r.names, v.Name)
			g.Outputs = append(g.Outputs, graph.Output{Name: v.Name, Value: v})
		}
	}
	if len(r.names) == 0 {
		return nil, fmt.Errorf("%s computes no INT8 tensor: %w", g.Name, graph.ErrUnsupported)
	}
	var err error
	r.p, err = infer.Compile(g, infer.Options{})
	return r, err
}

// Run runs a batch and writes its tensors.
func (r *Recorder) Run(ctx context.Context, in []*model.Tensor) error {
	out, err := r.p.Run(ctx, in)
	if err != nil {
		return err
	}
	for i, name := range r.names {
		data := out[r.skip+i].Data
		line, err := json.Marshal(header{name, len(data)})
		if err != nil {
			return err
		}
		r.w.Write(append(line, '\n')) // a bufio.Writer keeps its first error for Flush
		r.w.Write(data)
	}
	return r.w.Flush()
}

// Close frees the network.
func (r *Recorder) Close() error { return r.p.Close() }

// A Difference sums up one tensor over all batches.
type Difference struct {
	Name      string `json:"name"`
	Bytes     int64  `json:"bytes"`
	Different int64  `json:"different"` // of these bytes
	Largest   int    `json:"largest"`   // distance of two bytes, as u8
}

// ErrRecord is wrapped by errors about records that are not of the same network
// and batches.
var ErrRecord = errors.New("records of different runs")

// Compare reads two records to the end and returns all tensors in the order of
// the network.
func Compare(a, b io.Reader) ([]Difference, error) {
	x, y := bufio.NewReaderSize(a, 1<<20), bufio.NewReaderSize(b, 1<<20)
	var list []Difference
	at := map[string]int{}
	for {
		h, err := next(x)
		other, failed := next(y)
		if err == io.EOF && failed == io.EOF {
			return list, nil
		}
		if err = errors.Join(err, failed); err != nil {
			return nil, fmt.Errorf("read the next tensor: %w: %w", ErrRecord, err)
		}
		if h != other {
			return nil, fmt.Errorf("tensor %q of %d bytes beside %q of %d: %w", h.Name, h.Bytes, other.Name, other.Bytes, ErrRecord)
		}
		i, known := at[h.Name]
		if !known {
			i = len(list)
			at[h.Name] = i
			list = append(list, Difference{Name: h.Name})
		}
		if err := list[i].add(x, y, h.Bytes); err != nil {
			return nil, fmt.Errorf("read tensor %q: %w", h.Name, err)
		}
	}
}

// next reads a header; io.EOF is the end of a record.
func next(r *bufio.Reader) (h header, err error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		if len(line) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return h, err
	}
	return h, json.Unmarshal(line, &h)
}

// add compares the next n bytes.
func (d *Difference) add(x, y *bufio.Reader, n int) error {
	for range n {
		p, err := x.ReadByte()
		q, failed := y.ReadByte()
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		d.Bytes++
		if p != q {
			d.Different++
			d.Largest = max(d.Largest, int(p)-int(q), int(q)-int(p))
		}
	}
	return nil
}
