package infer

import (
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CPULimit returns how many threads may compute at once: the CPUs this process
// may run on, or the CPU quota of its control group rounded up, if that is
// less. Go's own GOMAXPROCS knows both, but looks only at the innermost group;
// OpenMP knows neither quota.
func CPULimit() int {
	n := runtime.NumCPU()
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil && set.Count() > 0 {
		n = set.Count()
	}
	if q := groupQuota("/proc/self/cgroup", "/sys/fs/cgroup"); q > 0 {
		n = min(n, int(math.Ceil(q)))
	}
	return max(n, 1)
}

// groupQuota returns the smallest CPU quota of the process's control groups up
// to the root of the visible hierarchy, in CPUs; 0 means none is set.
func groupQuota(membership, root string) float64 {
	list, err := os.ReadFile(membership)
	if err != nil {
		return 0
	}
	best := 0.0
	for line := range strings.Lines(string(list)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		base, read := root, quotaV2
		if f[1] != "" {
			if !strings.Contains(","+f[1]+",", ",cpu,") {
				continue
			}
			base, read = path.Join(root, "cpu"), quotaV1
		}
		for dir := path.Clean("/" + f[2]); ; dir = path.Dir(dir) {
			if q := read(path.Join(base, dir)); q > 0 && (best == 0 || q < best) {
				best = q
			}
			if dir == "/" {
				break
			}
		}
	}
	return best
}

func quotaV2(dir string) float64 {
	b, err := os.ReadFile(path.Join(dir, "cpu.max"))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	if len(f) != 2 {
		return 0
	}
	return ratio(f[0], f[1])
}

func quotaV1(dir string) float64 {
	quota, err := os.ReadFile(path.Join(dir, "cpu.cfs_quota_us"))
	if err != nil {
		return 0
	}
	period, err := os.ReadFile(path.Join(dir, "cpu.cfs_period_us"))
	if err != nil {
		return 0
	}
	return ratio(strings.TrimSpace(string(quota)), strings.TrimSpace(string(period)))
}

// ratio returns quota/period, 0 for "max", -1 and what is no number.
func ratio(quota, period string) float64 {
	q, err1 := strconv.ParseFloat(quota, 64)
	p, err2 := strconv.ParseFloat(period, 64)
	if err1 != nil || err2 != nil || q <= 0 || p <= 0 {
		return 0
	}
	return q / p
}
