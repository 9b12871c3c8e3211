package main

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// leastCosine is what a peer's answers must reach to be timed. FP32 peers sum
// in another order only; 8-bit ones are to be right, not accurate: the classes
// of a random network are nearly tied.
var leastCosine = map[string]float64{"fp32": 0.9999, "int8": 0.9}

// agreement is the least cosine, over the rows, between centred logarithms of
// probabilities: what softmax took, without its free constant.
func agreement(rows, want [][]float64) (float64, error) {
	least := 1.0
	if len(rows) == 0 || len(rows) > len(want) {
		return 0, fmt.Errorf("%d rows of answers, want 1 to %d", len(rows), len(want))
	}
	for i, row := range rows {
		if len(row) != len(want[i]) {
			return 0, fmt.Errorf("row %d has %d values, want %d", i, len(row), len(want[i]))
		}
		u, v := centredLogs(row), centredLogs(want[i])
		least = min(least, dot(u, v)/math.Sqrt(dot(u, u)*dot(v, v)))
	}
	return least, nil
}

func centredLogs(p []float64) []float64 {
	const floor = 1e-12 // 8 bits of exponent do not reach further down with any meaning
	x, mean := make([]float64, len(p)), 0.0
	for i, v := range p {
		x[i] = math.Log(max(v, floor))
		mean += x[i] / float64(len(p))
	}
	for i := range x {
		x[i] -= mean
	}
	return x
}

func dot(u, v []float64) (sum float64) {
	for i := range u {
		sum += u[i] * v[i]
	}
	return sum
}

// peakRSS returns the largest resident memory that a process has had, in bytes.
func peakRSS(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parsePeak(text)
}

func parsePeak(status []byte) (int64, error) {
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		value, ok := strings.CutPrefix(lines.Text(), "VmHWM:")
		if !ok {
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("VmHWM: %w", err)
		}
		return kb << 10, nil
	}
	return 0, fmt.Errorf("no line VmHWM in the process's status")
}
