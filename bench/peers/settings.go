package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/octet-dnn/octet/infer"
)

// settings are the flags.
type settings struct {
	cache      string
	venvs      venvs
	models     []string
	precisions []string
	batches    []int
	only       []string
	rounds     int
	seconds    float64
	loads      int
	threads    int
	tune       bool
	hog        bool
	coldstart  bool
	memory     bool
	json       string
}

const (
	fp32Precision = "fp32"
	int8Precision = "int8"
	// batchLimit is far above what is promised, and keeps a batch below what a
	// slip of the finger could ask for.
	batchLimit = 4096
)

func parseFlags(args []string) (*settings, error) {
	s := &settings{cache: ".", threads: infer.CPULimit()}
	if dir, err := os.UserCacheDir(); err == nil {
		s.cache = filepath.Join(dir, "octet", "peers")
	}
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.StringVar(&s.cache, "cache", s.cache, "folder for the networks in the files of every peer")
	venv := f.String("venvs", "", "folder of the Python environments (default venvs in the cache)")
	models := f.String("models", "resnet50,mobilenet_v1", "networks")
	precisions := f.String("precisions", "int8,fp32", "precisions")
	batches := f.String("batches", "1,64,512", "batch sizes")
	only := f.String("peers", "", "peers to measure Octet beside (default all)")
	f.IntVar(&s.rounds, "rounds", 5, fmt.Sprintf("windows of each peer in a cell; half as many above batch %d", crowd))
	f.Float64Var(&s.seconds, "seconds", 1, "length of a window, one run at least")
	f.IntVar(&s.loads, "loads", 5, "starts of each peer that load an INT8 network")
	f.BoolVar(&s.tune, "tune", false, "tune Octet first, as octet bench --tune does")
	f.BoolVar(&s.hog, "hog", false, "measure beside a process that keeps one CPU busy")
	f.BoolVar(&s.coldstart, "coldstart", false, "measure only the loads")
	f.BoolVar(&s.memory, "memory", false, fmt.Sprintf("measure only the memory of INT8 at batch %d", memoryBatch))
	f.StringVar(&s.json, "json", "", "write all figures to this file")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	s.venvs = venvs(*venv)
	if *venv == "" {
		s.venvs = venvs(filepath.Join(s.cache, "venvs"))
	}
	s.models, s.precisions, s.only = words(*models), words(*precisions), words(*only)
	for _, b := range words(*batches) {
		n, err := strconv.Atoi(b)
		if err != nil || n < 1 || n > batchLimit {
			return nil, fmt.Errorf("-batches: %q, want sizes from 1 to %d", b, batchLimit)
		}
		s.batches = append(s.batches, n)
	}
	return s, s.check()
}

func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func (s *settings) check() error {
	for _, m := range s.models {
		if seeded[m] == nil {
			return fmt.Errorf("-models: %q is unknown: want resnet50 or mobilenet_v1", m)
		}
	}
	for _, p := range s.precisions {
		if p != fp32Precision && p != int8Precision {
			return fmt.Errorf("-precisions: %q is unknown: want int8 or fp32", p)
		}
	}
	for _, name := range s.only {
		if !slices.ContainsFunc(peers, func(p peer) bool { return p.name == name }) {
			return fmt.Errorf("-peers: %q is unknown", name)
		}
	}
	if s.hog && s.coldstart || s.hog && s.memory || s.coldstart && s.memory {
		return errors.New("-hog, -coldstart and -memory: want one of them at most")
	}
	if s.rounds < 1 || s.loads < 0 || !(s.seconds >= 0) {
		return fmt.Errorf("-rounds %d, -loads %d, -seconds %v: want at least 1, 0 and 0", s.rounds, s.loads, s.seconds)
	}
	return nil
}

// present returns Octet and the peers that can be measured, and those that
// were asked for and cannot.
func (s *settings) present() (who, missing []peer) {
	who = []peer{octet}
	if s.tune {
		who = append(who, tunedOctet)
	}
	for _, p := range peers {
		if len(s.only) > 0 && !slices.Contains(s.only, p.name) {
			continue
		}
		if _, ok := s.venvs.python(p.venv); ok {
			who = append(who, p)
		} else {
			missing = append(missing, p)
		}
	}
	return who, missing
}

// describe says how a record was measured.
func (s *settings) describe() string {
	return fmt.Sprintf("%d threads, %d rounds of %g s, %d loads", s.threads, s.rounds, s.seconds, s.loads)
}
