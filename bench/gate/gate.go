// Package gate is what the programs share that hold Octet to its promises of
// speed: they say on which machine they measure, print each figure beside what
// is wanted, all of them once more in the last line, and exit with 1 where one
// falls short.
package gate

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/octet-dnn/octet/bench"
)

// A Gate collects figures. It is for one goroutine.
type Gate struct {
	name    string
	w       io.Writer
	figures []string
	short   int
}

// Main runs check under a context that an interrupt ends, and exits: with 0 if
// all figures were reached, with 1 if one was not or check failed.
func Main(name string, check func(context.Context, *Gate) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	g := &Gate{name: name, w: os.Stdout}
	g.Printf("%s\n", bench.ThisMachine())
	load := bench.StartLoad()
	err := check(ctx, g)
	stop()
	if other := load.Stop(); other >= 0 {
		g.Printf("other processes kept %.2f CPUs busy meanwhile\n", other)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	if !g.finish() {
		os.Exit(1)
	}
}

// Printf writes what is no figure.
func (g *Gate) Printf(format string, args ...any) { fmt.Fprintf(g.w, format, args...) }

// AtLeast checks that a figure is large enough. The unit follows the figure,
// with a blank of its own if it wants one; remark, unless empty, stands behind.
func (g *Gate) AtLeast(what string, got, want float64, unit, remark string) {
	g.figure(what, got >= want, fmt.Sprintf("%.2f%s", got, unit), fmt.Sprintf("at least %.2f%s", want, unit), remark)
}

// AtMost is AtLeast for figures that must be small.
func (g *Gate) AtMost(what string, got, want float64, unit, remark string) {
	g.figure(what, got <= want, fmt.Sprintf("%.2f%s", got, unit), fmt.Sprintf("at most %.2f%s", want, unit), remark)
}

func (g *Gate) figure(what string, ok bool, got, want, remark string) {
	text := fmt.Sprintf("%s %s", what, got)
	verdict := "reached"
	if !ok {
		verdict = "FALLS SHORT"
		text += fmt.Sprintf(" (FALLS SHORT of %s)", want)
		g.short++
	}
	g.figures = append(g.figures, text)
	if remark != "" {
		remark = "; " + remark
	}
	g.Printf("  %-40s %10s, want %s: %s%s\n", what, got, want, verdict, remark)
}

// finish writes the last line and reports whether all was reached. No figures
// at all are not enough.
func (g *Gate) finish() bool {
	ok := g.short == 0 && len(g.figures) > 0
	verdict := "all reached"
	if !ok {
		verdict = fmt.Sprintf("%d of %d fall short", g.short, len(g.figures))
	}
	g.Printf("%s: %s: %s\n", g.name, verdict, strings.Join(g.figures, "; "))
	return ok
}
