package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// serve is Octet as a worker: the same arguments, lines and measures as the
// adapters of the peers have.
func serve(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	s, err := newServer(args)
	if err != nil {
		return err
	}
	replies := json.NewEncoder(out)
	if err := replies.Encode(reply{Version: "oneDNN " + dnnl.LibraryVersion().String()}); err != nil {
		return err
	}
	for asks := json.NewDecoder(in); ; {
		var a ask
		if err := asks.Decode(&a); errors.Is(err, io.EOF) {
			return s.close()
		} else if err != nil {
			return errors.Join(fmt.Errorf("reading an ask: %w", err), s.close())
		}
		r, err := s.do(ctx, a)
		if err == nil {
			err = replies.Encode(r)
		}
		if err != nil {
			return errors.Join(err, s.close())
		}
	}
}

type server struct {
	path    string
	options infer.Options
	net     *infer.Predictor
	in, out []*model.Tensor
}

// newServer takes the arguments of every worker (model, pictures, batch size,
// threads) and the file of a tuning, if Octet has one.
func newServer(args []string) (*server, error) {
	if len(args) < 4 || len(args) > 5 {
		return nil, fmt.Errorf("a worker wants a model, pictures, a batch size, threads and perhaps a tuning, has %q", args)
	}
	batch, err := strconv.Atoi(args[2])
	if err != nil {
		return nil, fmt.Errorf("batch size: %w", err)
	}
	threads, err := strconv.Atoi(args[3])
	if err != nil {
		return nil, fmt.Errorf("threads: %w", err)
	}
	s := &server{path: args[0]}
	if threads != infer.CPULimit() {
		s.options = infer.Options{Streams: threads, Threads: threads}
	}
	s.options.PackedCache = os.Getenv(packedVariable)
	if len(args) == 5 {
		if s.options.Tuning, err = infer.LoadTuning(args[4]); err != nil {
			return nil, err
		}
	}
	s.in, err = pictures(args[1], batch)
	return s, err
}

func (s *server) close() error {
	if s.net == nil {
		return nil
	}
	return s.net.Close()
}

func (s *server) do(ctx context.Context, a ask) (reply, error) {
	switch {
	case a.Do == "load":
		return s.load(ctx)
	case s.net == nil:
		return reply{}, fmt.Errorf("asked to %s before load", a.Do)
	case a.Do == "answer":
		rows := table(s.out[0])
		return reply{Rows: rows[:min(a.Rows, len(rows))]}, nil
	case a.Do == "window":
		return s.window(ctx, a)
	}
	return reply{}, fmt.Errorf("asked to %q: not known", a.Do)
}

func (s *server) load(ctx context.Context) (r reply, err error) {
	start := time.Now()
	m, err := model.Load(s.path, model.WithLazyParams())
	if err != nil {
		return r, err
	}
	if s.net, err = infer.NewPredictor(m, s.options); err != nil {
		return r, err
	}
	r.Load = time.Since(start).Seconds()
	start = time.Now()
	s.out, err = s.net.Run(ctx, s.in)
	r.First = time.Since(start).Seconds()
	return r, err
}

func (s *server) window(ctx context.Context, a ask) (r reply, err error) {
	for begin := time.Now(); time.Since(begin).Seconds() < a.Warm; {
		if err := s.net.RunInto(ctx, s.in, s.out); err != nil {
			return r, err
		}
	}
	begin := time.Now()
	for last := begin; len(r.Runs) == 0 || r.Seconds < a.Seconds; {
		if err := s.net.RunInto(ctx, s.in, s.out); err != nil {
			return r, err
		}
		now := time.Now()
		r.Runs = append(r.Runs, now.Sub(last).Seconds())
		r.Seconds = now.Sub(begin).Seconds()
		last = now
	}
	r.Images = len(r.Runs) * int(s.in[0].Dims[0])
	return r, nil
}

// table returns the values of a batch of float32, a row for each picture.
func table(t *model.Tensor) [][]float64 {
	values, rows := t.Float32s(), make([][]float64, t.Dims[0])
	for i := range rows {
		rows[i] = make([]float64, len(values)/len(rows))
		for j := range rows[i] {
			rows[i][j] = float64(values[i*len(rows[i])+j])
		}
	}
	return rows
}

// pictures returns a batch of the pictures in file, over and over, in memory
// outside Go's heap: the caller's input is not to count as Octet's memory, and
// within the heap it would also let the collector wait longer.
func pictures(file string, batch int) ([]*model.Tensor, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if batch < 1 || size == 0 || size%int64(pictureBytes) != 0 {
		return nil, fmt.Errorf("%s has %d bytes, want pictures of %d, for a batch of %d", file, size, pictureBytes, batch)
	}
	x, err := unix.Mmap(-1, 0, batch*pictureBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("memory for %d pictures: %w", batch, err)
	}
	n := min(len(x), int(size))
	if _, err := io.ReadFull(f, x[:n]); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for at := n; at < len(x); at += copy(x[at:], x[:n]) {
	}
	return []*model.Tensor{{DType: model.FP32, Dims: []int64{int64(batch), 3, side, side}, Data: x}}, nil
}

const (
	side         = 224
	pictureBytes = 3 * side * side * int(unsafe.Sizeof(float32(0)))
)
