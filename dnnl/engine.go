package dnnl

import "github.com/octet-dnn/octet/cgo"

// Engine is the CPU as oneDNN sees it. One is enough for a program; it may be
// used from many goroutines.
type Engine struct{ handleOf[cgo.Engine] }

// NewEngine makes an engine on the CPU. In a build without cgo it fails with
// [ErrNoCgo], as everything here does.
func NewEngine() (*Engine, error) {
	h, st := cgo.CreateEngine()
	if err := check("engine.create", st, ""); err != nil {
		return nil, err
	}
	e := new(Engine)
	hold(e, &e.handleOf, own(h, cgo.Engine.Destroy))
	return e, nil
}

// acquire is own.acquire with an error, for a nil engine too.
func (e *Engine) acquire(op string) error {
	if e == nil {
		return invalid(op, "no engine")
	}
	if !e.own.acquire() {
		return closed(op, "engine")
	}
	return nil
}

// Stream is a queue of work, done in the order it came. Use one a goroutine.
type Stream struct {
	handleOf[cgo.Stream]
	team    *Team // that does the work, or nil for the OS thread of the caller
	threads int   // for chains; 0 means as many as that OS thread has
}

// NewStream makes a stream on the engine. Work is done on the OS thread that
// submits it, see [SetNumThreads].
func NewStream(e *Engine) (*Stream, error) { return newStream(e, nil, 0) }

// NewStreamThreads makes a stream whose chains run with so many OpenMP threads
// on whatever OS thread runs them, which keeps its own number otherwise. With
// more than one, see [Team].
func NewStreamThreads(e *Engine, threads int) (*Stream, error) {
	if threads < 1 {
		return nil, invalid(opStream, "%d threads", threads)
	}
	return newStream(e, nil, threads)
}

const opStream = "stream.create"

func newStream(e *Engine, t *Team, threads int) (*Stream, error) {
	const op = opStream
	if err := e.acquire(op); err != nil {
		return nil, err
	}
	h, st := cgo.CreateStream(e.own.handle)
	if err := check(op, st, ""); err != nil {
		e.own.drop()
		return nil, err
	}
	s := &Stream{team: t, threads: threads}
	needs := []resource{e.own}
	if t != nil {
		needs = append(needs, t.own)
	}
	hold(s, &s.handleOf, own(h, cgo.Stream.Destroy, needs...))
	return s, nil
}

// acquire is own.acquire with an error, for a nil stream too.
func (s *Stream) acquire(op string) error {
	if s == nil {
		return invalid(op, "no stream")
	}
	if !s.own.acquire() {
		return closed(op, "stream")
	}
	return nil
}

// Wait returns when everything executed on the stream is done.
func (s *Stream) Wait() error {
	const op = "stream.wait"
	if err := s.acquire(op); err != nil {
		return err
	}
	defer s.own.drop()
	return check(op, s.own.handle.Wait(), "")
}
