package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// A process is a worker as the driver sees it. Between asks it is stopped:
// several of the libraries let their threads spin for a while after a run,
// which would slow down whoever is measured next.
type process struct {
	name    string
	cmd     *exec.Cmd
	asks    io.WriteCloser
	answers *json.Decoder
	noise   *tail
	version string
	started float64 // seconds from the start to the hello
}

// patience is how long a worker may take for one answer; the longest honest
// one is a batch of 512 in FP32, well below a minute.
const patience = 5 * time.Minute

// start begins a worker and waits for its hello. It dies with the goroutine's
// thread, so the caller is locked to one that lives as long as the program.
func start(ctx context.Context, name string, argv, env []string) (*process, error) {
	p := &process{name: name, cmd: exec.CommandContext(ctx, argv[0], argv[1:]...), noise: &tail{}}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = p.noise
	p.cmd.WaitDelay = time.Second // for what a library has started and left
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if p.asks, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p.answers = json.NewDecoder(out)
	hello, err := p.answer()
	if err != nil {
		return nil, err
	}
	p.version, p.started = hello.Version, time.Since(begin).Seconds()
	return p, p.pause()
}

// ask wakes the worker, asks, waits for the answer and puts it to sleep again.
func (p *process) ask(a ask) (reply, error) {
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return reply{}, fmt.Errorf("%s: %w", p.name, err)
	}
	if err := json.NewEncoder(p.asks).Encode(a); err != nil {
		return reply{}, p.failed(err)
	}
	r, err := p.answer()
	if err != nil {
		return r, err
	}
	return r, p.pause()
}

func (p *process) pause() error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

func (p *process) answer() (r reply, err error) {
	late := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	if err := p.answers.Decode(&r); err != nil {
		return r, p.failed(err)
	}
	return r, nil
}

// failed ends the worker and tells what it said last.
func (p *process) failed(err error) error {
	err = errors.Join(err, p.end())
	return fmt.Errorf("%s: %w\n%s", p.name, err, p.noise.text)
}

// end kills the worker: what it would free, the system frees sooner. It may be
// called again.
func (p *process) end() error {
	if p.cmd.ProcessState != nil {
		return nil
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	var killed *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &killed) && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

const tailBytes = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = bytes.Clone(t.text[over:])
	}
	return len(b), nil
}
