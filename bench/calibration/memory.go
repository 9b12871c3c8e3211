package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/gate"
	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/infer"
)

// A memory is what a process holds after some pictures, in bytes.
type memory struct {
	Resident, Peak int64
}

// checkMemory calibrates MobileNet-V1 in a process of its own.
func checkMemory(ctx context.Context, g *gate.Gate) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, self, "-memory")
	c.Stderr = os.Stderr
	text, err := c.Output()
	if err != nil {
		return err
	}
	var at [2]memory
	if err := json.Unmarshal(text, &at); err != nil {
		return err
	}
	few, many := at[0], at[1]
	growth := 100 * float64(many.Resident-few.Resident) / float64(few.Resident)
	g.AtMost(fmt.Sprintf("%s: memory after %d against %d pictures", mobilenet, manyImages, fewImages), math.Abs(growth), mostGrowth, " % apart",
		fmt.Sprintf("resident %.1f and %.1f MB, at the peaks until then %.1f and %.1f MB", mega(few.Resident), mega(many.Resident), mega(few.Peak), mega(many.Peak)))
	return nil
}

func mega(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// memoryOf is the child process. No two pictures are the same, so that those that are
// kept change; they are noise, which costs no memory of a decoder.
func memoryOf(ctx context.Context) (err error) {
	m := nets.MobileNetV1(1)
	c, err := calibrate.New(m, calibrate.Options{Algorithm: calibrate.KL, Runner: infer.NewRunner, Refine: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	in := noise(m, batchSize)[0]
	var at [2]memory
	seen := 0
	for i, images := range []int{fewImages, manyImages} {
		for ; seen < images; seen += batchSize {
			for j, x := range in[0].Float32s() {
				in[0].Float32s()[j] = -x + float32(seen)*0x1p-20
			}
			if _, err := c.Sample(ctx, in); err != nil {
				return err
			}
		}
		if _, err := c.Table(); err != nil {
			return err
		}
		if at[i], err = measured(); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(at)
}

// measured returns the memory without what only waits for the garbage collector.
func measured() (m memory, err error) {
	runtime.GC() // the first one only moves pools aside
	debug.FreeOSMemory()
	m.Resident, m.Peak, err = bench.Resident()
	return m, err
}
