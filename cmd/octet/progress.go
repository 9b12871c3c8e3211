package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A meter shows how far a long piece of work is.
type meter interface {
	add(n int)
	done() // also after an error
}

// logInterval is the time between two plain lines of progress.
const logInterval = 5 * time.Second

func (a *app) checkProgress() error {
	switch a.progress {
	case "auto", "bar", "log", "none":
		return nil
	}
	return usagef("--progress is %q: want auto, bar, log or none", a.progress)
}

// meter starts to show work on total things: a bar on a terminal that can move its
// cursor, else a line from time to time.
func (a *app) meter(what, unit string, total int) meter {
	mode := a.progress
	if mode == "auto" {
		mode = "log"
		if isTerminal(a.err) && os.Getenv("TERM") != "dumb" {
			mode = "bar"
		}
	}
	switch mode {
	case "none":
		return quiet{}
	case "bar":
		return newBar(a.err, what, unit, total)
	}
	return &lines{w: a.err, what: what, unit: unit, total: total, start: time.Now(), last: time.Now()}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

type quiet struct{}

func (quiet) add(int) {}
func (quiet) done()   {}

// A bar has rate and remaining time; no colours, so NO_COLOR has nothing to switch off.
type bar struct {
	*progressbar.ProgressBar
	w io.Writer
}

func newBar(w io.Writer, what, unit string, total int) bar {
	return bar{progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit),
		progressbar.OptionSetPredictTime(true), progressbar.OptionSetElapsedTime(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionFullWidth(),
	), w}
}

// A terminal that is gone does not stop the work, so errors of Add do not count.
func (b bar) add(n int) { _ = b.Add(n) }
func (b bar) done()     { fmt.Fprintln(b.w) }

// lines are for logs and pipes.
type lines struct {
	w           io.Writer
	what, unit  string
	n, total    int
	start, last time.Time
}

func (l *lines) add(n int) {
	l.n += n
	now := time.Now()
	if l.n >= l.total || now.Sub(l.last) < logInterval {
		return
	}
	l.last = now
	elapsed := now.Sub(l.start)
	left := time.Duration(float64(elapsed) * float64(l.total-l.n) / float64(l.n))
	fmt.Fprintf(l.w, "%s: %d of %d %s, %.1f/s, %v left\n", l.what, l.n, l.total, l.unit, l.rate(elapsed), left.Round(time.Second))
}

func (l *lines) done() {
	elapsed := time.Since(l.start)
	fmt.Fprintf(l.w, "%s: %d of %d %s in %v, %.1f/s\n", l.what, l.n, l.total, l.unit, elapsed.Round(10*time.Millisecond), l.rate(elapsed))
}

func (l *lines) rate(elapsed time.Duration) float64 {
	return float64(l.n) / max(elapsed.Seconds(), 1e-3)
}
