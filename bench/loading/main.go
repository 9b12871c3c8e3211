// Loading measures model.Load on ResNet-50 in every encoding and fails where it
// takes more than Octet promises: 150 ms, and memory for 2.2 times the parameter
// file at the peak.
//
// Each load is one of a fresh process, which reads its own peak of resident
// memory from the kernel; the figure is what loading added to it. The network
// has seeded weights and is written to a temporary folder, so that its files are
// in the page cache: the time is that of the loader, not of a disk.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/gate"
	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/model"
)

const (
	mostTime   = 150 // ms
	mostMemory = 2.2 // of the parameter file
	processes  = 9   // a form; the median counts
)

// A loaded is what one process tells of its load.
type loaded struct {
	Millis float64
	Bytes  int64 // by which the peak of resident memory is above what was there before
}

func main() {
	child := flag.String("child", "", "load this model once and print the figures as JSON (for the program itself)")
	flag.Parse()
	if *child == "" {
		gate.Main("load", run)
		return
	}
	if err := loadOnce(*child); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, g *gate.Gate) (err error) {
	dir, err := os.MkdirTemp("", "octet-load-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m := nets.ResNet50(1)
	for _, form := range []model.Form{model.FormSeparate, model.FormCombined, model.FormPdModel, model.FormPIR} {
		path := filepath.Join(dir, form.String())
		if err := model.Save(m, path, model.WithForm(form)); err != nil {
			return err
		}
		if err := check(ctx, g, form, path, parameterBytes(m)); err != nil {
			return fmt.Errorf("%v: %w", form, err)
		}
	}
	return nil
}

// parameterBytes is the data of all parameters: their file but for headers of
// some 40 bytes each.
func parameterBytes(m *model.Model) (n int64) {
	for _, t := range m.Params {
		n += int64(t.Size())
	}
	return n
}

func check(ctx context.Context, g *gate.Gate, form model.Form, path string, size int64) error {
	var times, memory []float64
	for range processes {
		l, err := inProcess(ctx, path)
		if err != nil {
			return err
		}
		times = append(times, l.Millis)
		memory = append(memory, float64(l.Bytes)/float64(size))
	}
	t, b := bench.Spread(times), bench.Spread(memory)
	g.AtMost(form.String()+": time", t.Median, mostTime, " ms", fmt.Sprintf("%d processes, %.0f to %.0f", processes, t.Min, t.Max))
	g.AtMost(form.String()+": peak memory", b.Median, mostMemory, "× the parameters", fmt.Sprintf("%d MB of parameters", size>>20))
	return nil
}

func inProcess(ctx context.Context, path string) (l loaded, err error) {
	self, err := os.Executable()
	if err != nil {
		return l, err
	}
	c := exec.CommandContext(ctx, self, "-child", path)
	c.Stderr = os.Stderr
	text, err := c.Output()
	if err != nil {
		return l, err
	}
	return l, json.Unmarshal(text, &l)
}

// loadOnce is the child process.
func loadOnce(path string) error {
	before, _, err := bench.Resident()
	if err != nil {
		return err
	}
	start := time.Now()
	m, err := model.Load(path)
	took := time.Since(start)
	if err != nil {
		return err
	}
	_, peak, err := bench.Resident()
	if err != nil {
		return err
	}
	if len(m.Params) == 0 {
		return fmt.Errorf("%s has no parameters", path)
	}
	return json.NewEncoder(os.Stdout).Encode(loaded{float64(took.Microseconds()) / 1000, peak - before})
}
