package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/octet-dnn/octet/bench"
)

// A cell is what is compared: one network in one precision at one batch size.
type cell struct {
	Model     string `json:"model"`
	Precision string `json:"precision"`
	Batch     int    `json:"batch"`
}

func (c cell) String() string { return fmt.Sprintf("%s %s batch %d", c.Model, c.Precision, c.Batch) }

// A figure is what one peer did in a cell.
type figure struct {
	Peer    string `json:"peer"`
	Version string `json:"version"`
	// Overlaps tells that several requests were in flight.
	Overlaps bool `json:"overlaps,omitempty"`
	// Rates has the images a second of each window, Runs the seconds of every
	// run in them.
	Rates []float64 `json:"rates,omitempty"`
	Runs  []float64 `json:"-"`
	// Loads has the seconds from the files to the first answer of each start.
	Loads []float64 `json:"loads"`
	// Starts has the same from the start of the process, which includes that of
	// the library and the reading of the pictures.
	Starts []float64 `json:"starts"`
	// Peak is the largest resident memory of the process in bytes, without the
	// caller's input.
	Peak int64 `json:"peak_rss"`
	// Cosine compares the answers with those of Octet in FP32, see agreement.
	Cosine float64 `json:"cosine"`
	// OtherLoad and Stolen are the most CPUs, in any window, that other
	// processes and the hypervisor took.
	OtherLoad float64 `json:"other_load"`
	Stolen    float64 `json:"stolen"`
}

// crowd is the largest batch at which the workers of all peers stay in memory
// for the whole cell. With a larger one each turn starts its worker anew: at
// 512 pictures some peers take 8 GB.
const crowd = 64

// compare lets the peers take turns in a cell, window by window, so that what
// else happens on the machine hits all alike.
func (m *session) compare(ctx context.Context, c cell, who []peer) (figures []figure, err error) {
	t := m.table(c, who, m.threads)
	defer func() { err = errors.Join(err, t.clear()) }()
	rounds := m.rounds
	if c.Batch > crowd {
		rounds = (rounds + 1) / 2
	}
	err = t.rounds(ctx, rounds, func(s *seat) error {
		if err := s.window(ctx, m.seconds); err != nil {
			return err
		}
		if c.Batch > crowd {
			return s.leave()
		}
		return nil
	})
	return t.figures(), err
}

// A round is the seats of the peers that take turns.
type round struct {
	m     *session
	seats []*seat
}

// A seat is a peer's place in the round.
type seat struct {
	peer
	figure
	m       *session
	cell    cell
	threads int
	proc    *process
	out     bool // it failed
}

func (m *session) table(c cell, who []peer, threads int) *round {
	t := &round{m: m}
	for _, p := range who {
		t.seats = append(t.seats, &seat{peer: p, figure: figure{Peer: p.name, Overlaps: p.overlaps}, m: m, cell: c, threads: threads})
	}
	return t
}

// rounds gives every seat so many turns, each time from another one on. A peer
// that fails is left out from there, loudly; Octet must not fail.
func (t *round) rounds(ctx context.Context, n int, turn func(*seat) error) error {
	for r := range n {
		for i := range t.seats {
			s := t.seats[(i+r)%len(t.seats)]
			if err := ctx.Err(); err != nil {
				return err
			}
			if s.out {
				continue
			}
			if err := turn(s); err != nil {
				if s.ours() || ctx.Err() != nil {
					return errors.Join(err, s.leave())
				}
				t.m.g.Printf("LEFT OUT of %s: %v\n", s.cell, errors.Join(err, s.leave()))
				t.m.failed[s.name] = true
				s.out = true
			}
		}
	}
	return nil
}

// figures are those of the peers that did not fail.
func (t *round) figures() (all []figure) {
	for _, s := range t.seats {
		if !s.out {
			all = append(all, s.figure)
		}
	}
	return all
}

func (t *round) clear() (err error) {
	for _, s := range t.seats {
		err = errors.Join(err, s.leave())
	}
	return err
}

func (s *seat) leave() error {
	if s.proc == nil {
		return nil
	}
	p := s.proc
	s.proc = nil
	return p.end()
}

// window measures for so many seconds, and starts the worker if there is none.
func (s *seat) window(ctx context.Context, seconds float64) error {
	if s.proc == nil {
		if err := s.enter(ctx); err != nil {
			return err
		}
	}
	pid := s.proc.cmd.Process.Pid
	load := bench.StartLoad(pid)
	r, err := s.proc.ask(ask{Do: "window", Seconds: seconds, Warm: warm(s.cell.Batch)})
	if err != nil {
		return err
	}
	s.OtherLoad, s.Stolen = max(s.OtherLoad, load.Stop()), max(s.Stolen, load.Stolen())
	if len(r.Runs) == 0 || !(r.Seconds > 0) {
		return fmt.Errorf("%s: a window of %d runs and %v s", s.name, len(r.Runs), r.Seconds)
	}
	s.Rates, s.Runs = append(s.Rates, float64(r.Images)/r.Seconds), append(s.Runs, r.Runs...)
	peak, err := peakRSS(pid)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	s.Peak = max(s.Peak, peak-int64(s.cell.Batch*pictureBytes))
	return nil
}

// warm is how long runs do not count at the start of a window: until the caches
// are filled again that the others used, and until a library that gives way to
// busy neighbours has seen that they are gone. Large batches need neither.
func warm(batch int) float64 {
	if batch > 8 {
		return 0
	}
	return 0.3
}

// enter starts the worker, has it load the network, and refuses it if it
// computes something else.
func (s *seat) enter(ctx context.Context) error {
	argv, env, err := s.command(s.m.kit, s.m.venvs, s.cell.Precision, s.cell.Batch, s.threads)
	if err != nil {
		return err
	}
	if s.proc, err = start(ctx, s.name, argv, env); err != nil {
		return err
	}
	s.Version = s.proc.version
	r, err := s.proc.ask(ask{Do: "load"})
	if err != nil {
		return err
	}
	s.Loads, s.Starts = append(s.Loads, r.Load+r.First), append(s.Starts, s.proc.started+r.Load+r.First)
	if r, err = s.proc.ask(ask{Do: "answer", Rows: pictureCount}); err != nil {
		return err
	}
	if s.Cosine, err = agreement(r.Rows, s.m.kit.reference); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if least := leastCosine[s.cell.Precision]; !(s.Cosine >= least) {
		return fmt.Errorf("%s: cosine %.4f to the answers of FP32, want %.4f: it computes something else", s.name, s.Cosine, least)
	}
	if s.cell.Batch <= crowd { // what is only made at the second run
		_, err = s.proc.ask(ask{Do: "window", Warm: warm(s.cell.Batch)})
	}
	return err
}
