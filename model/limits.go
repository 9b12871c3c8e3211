package model

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// Limits bounds what a model file may ask for. A zero field takes its default,
// which every classification network stays far below.
type Limits struct {
	ProgramBytes int64 // size of the program file; default 256 MiB
	Blocks       int   // blocks of a program; default 64
	Ops          int   // operators of a program; default 100 000
	Vars         int   // variables of a program; default 200 000
	NameBytes    int   // length of a variable, slot, attribute or op name; default 1 KiB
	Rank         int   // dims of a tensor; default 8
	Dim          int64 // one dim; default 2³¹−1
	TensorBytes  int64 // data of one parameter; default 4 GiB
	// TotalBytes bounds the data of all parameters together; by default 16 GiB,
	// or 80 % of the process's memory limit where that is less.
	TotalBytes int64
}

// maxDesc bounds the tensor descriptor of a parameter stream, and maxLoDLevels
// its LoD levels: two dozen bytes and two levels in real files.
const (
	maxDesc      = 1 << 20
	maxLoDLevels = 64
)

// withDefaults fills the zero fields and refuses negative ones.
func (l Limits) withDefaults() (Limits, error) {
	fields := []struct {
		name  string
		value int64
		def   int64
		set   func(int64)
	}{
		{"ProgramBytes", l.ProgramBytes, 256 << 20, func(v int64) { l.ProgramBytes = v }},
		{"Blocks", int64(l.Blocks), 64, func(v int64) { l.Blocks = int(v) }},
		{"Ops", int64(l.Ops), 100_000, func(v int64) { l.Ops = int(v) }},
		{"Vars", int64(l.Vars), 200_000, func(v int64) { l.Vars = int(v) }},
		{"NameBytes", int64(l.NameBytes), 1 << 10, func(v int64) { l.NameBytes = int(v) }},
		{"Rank", int64(l.Rank), 8, func(v int64) { l.Rank = int(v) }},
		{"Dim", l.Dim, math.MaxInt32, func(v int64) { l.Dim = v }},
		{"TensorBytes", l.TensorBytes, 4 << 30, func(v int64) { l.TensorBytes = v }},
	}
	for _, f := range fields {
		if f.value < 0 {
			return l, fmt.Errorf("model: Limits.%s is %d: want 0 for the default, or more", f.name, f.value)
		}
		if f.value == 0 {
			f.set(f.def)
		}
	}
	if l.TotalBytes < 0 {
		return l, fmt.Errorf("model: Limits.TotalBytes is %d: want 0 for the default, or more", l.TotalBytes)
	}
	if l.TotalBytes == 0 {
		l.TotalBytes = min(16<<30, memoryLimit()/5*4)
	}
	return l, nil
}

// memoryLimit returns the bytes this process may use: the least of GOMEMLIMIT,
// the control group's limit (version 2, then 1) and the machine's memory. What
// cannot be read does not count.
func memoryLimit() int64 {
	limit := debug.SetMemoryLimit(-1)
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if b, err := os.ReadFile(file); err == nil {
			if v, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && v > 0 {
				limit = min(limit, v)
			}
		}
	}
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int64
		if _, err := fmt.Sscanf(string(b), "MemTotal: %d kB", &kib); err == nil && kib > 0 {
			limit = min(limit, kib<<10)
		}
	}
	return limit
}
