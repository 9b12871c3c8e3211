package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/octet-dnn/octet/model"
)

// process starts the command as a process of its own.
func process(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, args...)
	c.Env = append(os.Environ(), runMain+"=1")
	stderr := new(bytes.Buffer)
	c.Stderr = stderr
	return c, stderr
}

func code(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return -1
}

func TestSignalEndsProcess(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			// Under nohup the signal is ignored, and would be by the child; one that is
			// caught here is not.
			caught := make(chan os.Signal, 1)
			signal.Notify(caught, sig)
			defer signal.Stop(caught)

			c, _ := process(t, "bench", mobilenetDir, "--batch", "1,2", "--min-time", "1h", "--progress", "none", "--verbose")
			c.Stderr = nil
			pipe, err := c.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			stderr := bufio.NewReader(pipe)
			for line := ""; !strings.Contains(line, "compiled"); { // it is measuring now
				if line, err = stderr.ReadString('\n'); err != nil {
					t.Fatalf("%v after %q", err, line)
				}
			}
			if err := c.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			last := ""
			for err == nil {
				var line string
				if line, err = stderr.ReadString('\n'); line != "" {
					last = line
				}
			}
			if got := code(t, c.Wait()); got != exitInterrupted || last != "octet: interrupted\n" {
				t.Errorf("exit %d, stderr ends in %q, want %d and octet: interrupted", got, last, exitInterrupted)
			}
		})
	}
}

func TestSecondSignalLeaves(t *testing.T) {
	left := make(chan int, 1)
	ctx, stop := interruptible(context.Background(), func(code int) { left <- code })
	defer stop()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	select {
	case <-left:
		t.Fatal("left after one signal")
	case <-time.After(20 * time.Millisecond):
	}
	if err := self.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if got := <-left; got != exitInterrupted {
		t.Errorf("exit %d, want %d", got, exitInterrupted)
	}
}

func TestClosedPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	c, stderr := process(t, calibrateTo(out, "--progress", "none")...)
	c.Stdout = w
	if got := code(t, c.Run()); got != exitOK || stderr.Len() > 0 {
		t.Errorf("exit %d, stderr %q, want 0 and nothing", got, stderr)
	}
	if _, err := model.Load(out); err != nil {
		t.Errorf("the model was not saved: %v", err)
	}
}

func TestClosedStreams(t *testing.T) {
	// Go gives a process /dev/null for what is closed; the command must not mind.
	c, _ := process(t, "doctor")
	c.Stdin, c.Stdout, c.Stderr = nil, nil, nil
	if got := code(t, c.Run()); got != exitOK {
		t.Errorf("exit %d, want 0", got)
	}
}

func TestFullDevice(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("SKIP-PLATFORM: no /dev/full")
	}
	defer full.Close()
	c, stderr := process(t, "version")
	c.Stdout = full
	if got := code(t, c.Run()); got != exitEnvironment || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("exit %d, stderr %q, want %d", got, stderr, exitEnvironment)
	}
}

// Whenever a calibration is interrupted, it leaves the whole model or nothing.
func TestInterruptedCalibration(t *testing.T) {
	interrupted := 0
	for delay := time.Duration(0); delay < 120*time.Millisecond; delay += 8 * time.Millisecond {
		dir := t.TempDir()
		out := filepath.Join(dir, "out")
		ctx, cancel := context.WithTimeoutCause(t.Context(), delay, context.Canceled)
		o := octetCancelled(ctx, calibrateTo(out, "--algo", "KL", "--compat", "paddle13", "--batch-size", "1", "--samples", "40")...)
		cancel()
		switch o.code {
		case exitOK:
			if _, err := model.Load(out); err != nil {
				t.Errorf("after %v: exit 0, but %v", delay, err)
			}
		case exitInterrupted:
			interrupted++
			if left := names(t, dir); len(left) != 1 || o.stderr != "octet: interrupted\n" {
				t.Errorf("after %v: left %q, stderr %q, want nothing and one line", delay, left, o.stderr)
			}
		default:
			t.Errorf("after %v: exit %d, stderr %q", delay, o.code, o.stderr)
		}
	}
	if interrupted == 0 {
		t.Error("no calibration was interrupted")
	}
}

// octetCancelled runs a command line in a context that ends as a signal ends it.
func octetCancelled(deadline context.Context, args ...string) outcome {
	ctx, cancel := context.WithCancel(context.WithoutCancel(deadline))
	defer cancel()
	defer context.AfterFunc(deadline, cancel)()
	return octetWith(ctx, args...)
}

func TestProgress(t *testing.T) {
	for _, c := range []struct {
		mode, want string
	}{
		{"none", ""},
		{"log", "calibrate: 4 of 4 pictures in "},
		{"auto", "calibrate: 4 of 4 pictures in "}, // a buffer is no terminal
		{"bar", "4/4"},
	} {
		var stderr bytes.Buffer
		args := calibrateTo(filepath.Join(t.TempDir(), "out"), "--progress", c.mode)
		if got := run(t.Context(), args, io.Discard, &stderr); got != exitOK || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%s: exit %d, stderr %q, want %q", c.mode, got, &stderr, c.want)
		}
		if c.mode == "none" && stderr.Len() > 0 {
			t.Errorf("none: stderr %q", &stderr)
		}
	}
}

func TestLines(t *testing.T) {
	var w bytes.Buffer
	l := &lines{w: &w, what: "eval", unit: "pictures", total: 100, start: time.Now().Add(-10 * time.Second), last: time.Now()}
	l.add(10) // too soon after the last line
	l.last = l.last.Add(-logInterval)
	l.add(10)
	if got := w.String(); !strings.HasPrefix(got, "eval: 20 of 100 pictures, 2.0/s, 40s left\n") {
		t.Errorf("line %q, want 20 of 100, 2.0/s, 40s left", got)
	}
}
