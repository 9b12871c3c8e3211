package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/octet-dnn/octet/bench"
)

// A record is everything that a run measured.
type record struct {
	Machine  bench.Machine `json:"machine"`
	Time     time.Time     `json:"time"`
	Settings string        `json:"settings"`
	Cells    []cellRecord  `json:"cells,omitempty"`
	Loads    []cellRecord  `json:"loads,omitempty"`
	Hogged   []hogRecord   `json:"hogged,omitempty"`
}

type cellRecord struct {
	cell
	Figures []figure `json:"figures"`
}

// save writes the record aside and gives it its name then.
func (r *record) save(name string) error {
	if name == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	aside := filepath.Join(filepath.Dir(name), fmt.Sprintf(".%s.%d", filepath.Base(name), os.Getpid()))
	if err := os.WriteFile(aside, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(aside, name)
}

// String is the line of a figure in the table of its cell.
func (f figure) String() string {
	s := bench.Spread(f.Rates)
	note := ""
	if f.Overlaps {
		note = ", several requests in flight"
	}
	return fmt.Sprintf("%-14s %7.1f img/s (%.1f to %.1f), RSS %5d MB, cosine %.4f, other load %.2f, stolen %.2f; %s%s",
		f.Peer, s.Median, s.Min, s.Max, f.Peak>>20, f.Cosine, f.OtherLoad, f.Stolen, f.Version, note)
}
