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
	team    *Team       // that does the work, or nil for the OS thread of the caller
	threads int         // for chains; 0 means as many as that OS thread has
	cpus    *cgo.CPUSet // for chains; nil means any
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

// Pin keeps the chains of s on these CPUs, as the system counts them; without any
// they run where they may again. The OS thread of a caller goes there when a run
// begins and may go wherever it might before as soon as it ends; such a stream
// must be one of one thread, see [NewStreamThreads]. The threads of a [Team] stay
// until a run of another stream takes them elsewhere. They share the CPUs instead
// of having one each: OpenMP ends helpers and starts others as primitives need
// them, and those begin where the team's thread is. A run fails where the process may use none of the CPUs.
// Only Linux can do it. No chain may run on s meanwhile.
func (s *Stream) Pin(cpus ...int) error {
	const op = "stream.pin"
	if err := s.acquire(op); err != nil {
		return err
	}
	defer s.own.drop()
	if len(cpus) == 0 {
		s.cpus = nil
		return nil
	}
	if !cgo.CanPin() {
		return &Error{Op: op, Status: StatusUnimplemented, Detail: "this system does not keep threads on CPUs"}
	}
	if s.team == nil && s.threads != 1 {
		return invalid(op, "%d threads of a caller's: want one, or a team", s.threads)
	}
	set := new(cgo.CPUSet)
	for _, cpu := range cpus {
		if cpu < 0 || cpu >= 64*len(set) {
			return invalid(op, "CPU %d: want 0 … %d", cpu, 64*len(set)-1)
		}
		set[cpu/64] |= 1 << (cpu % 64)
	}
	s.cpus = set
	return nil
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
