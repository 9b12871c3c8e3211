// Package hog is a process that keeps one CPU busy, for programs that measure
// beside one. They start themselves as that process.
package hog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// verb is the argument with which a program starts itself as the hog.
const verb = "hog"

// Serve keeps one CPU busy until the process is killed, if the program was
// started as a hog. It belongs at the beginning of main.
func Serve() {
	if len(os.Args) < 2 || os.Args[1] != verb {
		return
	}
	runtime.LockOSThread()
	//lint:ignore SA5002 spinning is what this process is for
	for {
	}
}

// A Hog is the process, at the priority of the one that started it.
type Hog struct{ cmd *exec.Cmd }

// Start starts the hog. It dies with the OS thread of the caller, which should
// be locked to one.
func Start(ctx context.Context) (*Hog, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, self, verb)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return &Hog{c}, c.Start()
}

// Pause stops the process until Resume.
func (h *Hog) Pause() error { return h.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume lets it go on.
func (h *Hog) Resume() error { return h.cmd.Process.Signal(syscall.SIGCONT) }

// End ends the process. It is an error if that has ended before.
func (h *Hog) End() error {
	err := h.cmd.Process.Kill()
	var killed *exec.ExitError
	if wait := h.cmd.Wait(); !errors.As(wait, &killed) {
		err = errors.Join(err, fmt.Errorf("the busy neighbour ended by itself: %w", wait))
	}
	return err
}
