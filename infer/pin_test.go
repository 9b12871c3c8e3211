package infer

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/octet-dnn/octet/model"
)

// ownCPUs lists the CPUs that this process may use.
func ownCPUs(t testing.TB) (list []int) {
	t.Helper()
	home := affinities(t)[unix.Gettid()]
	for cpu := 0; len(list) < home.Count(); cpu++ {
		if home.IsSet(cpu) {
			list = append(list, cpu)
		}
	}
	return list
}

// affinities returns where each thread of the process may run.
func affinities(t testing.TB) map[int]unix.CPUSet {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	all := map[int]unix.CPUSet{}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			t.Fatal(err)
		}
		var set unix.CPUSet
		if err := unix.SchedGetaffinity(tid, &set); err == nil { // an error: it has ended
			all[tid] = set
		}
	}
	return all
}

// pinnedTo returns the CPUs to which threads are pinned, one each, in order.
func pinnedTo(t testing.TB) map[int]int {
	t.Helper()
	threads := map[int]int{}
	for _, set := range affinities(t) {
		for cpu := range 1024 {
			if set.Count() == 1 && set.IsSet(cpu) {
				threads[cpu]++
			}
		}
	}
	return threads
}

func twoOf(t testing.TB) []int {
	t.Helper()
	cpus := ownCPUs(t)
	if len(cpus) < 2 {
		t.Skip("SKIP-NODATA: a thread of this process has one CPU to be on anyway")
	}
	return []int{cpus[1], cpus[0]}
}

func TestPinErrors(t *testing.T) {
	cpus := ownCPUs(t)
	one := cpus[:1]
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"negative", Options{Pin: []int{-1}}, "CPU -1 is none of those that this process may use: want some of "},
		{"no CPU", Options{Pin: []int{cpus[0], 1 << 20}}, "CPU 1048576 is none"},
		{"beyond the last", Options{Pin: []int{cpus[len(cpus)-1] + 1}}, fmt.Sprintf("CPU %d is none", cpus[len(cpus)-1]+1)},
		{"twice", Options{Pin: []int{cpus[0], cpus[0]}}, fmt.Sprintf("CPU %d stands there twice", cpus[0])},
		{"streams", Options{Pin: one, Streams: 2}, "1 for option Streams, which is 2: want one for each"},
		{"threads", Options{Pin: one, Threads: 3}, "1 for option Threads, which is 3: want one for each"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := NewPredictor(tinyNet(t), c.o)
			if err == nil {
				p.Close()
			}
			head := fmt.Sprintf("infer: option Pin is %v: ", c.o.Pin)
			if !errors.Is(err, ErrPin) || !strings.HasPrefix(err.Error(), head) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want ErrPin, %q and %q", err, head, c.want)
			}
		})
	}
}

func TestCPUList(t *testing.T) {
	for _, c := range []struct {
		cpus []int
		want string
	}{{nil, ""}, {[]int{0}, "0"}, {[]int{3, 1}, "1,3"}, {[]int{0, 1, 2, 3, 8}, "0-3,8"}, {[]int{62, 63, 64, 65, 1023}, "62-65,1023"}} {
		var set unix.CPUSet
		for _, cpu := range c.cpus {
			set.Set(cpu)
		}
		if got := cpuList(&set); got != c.want {
			t.Errorf("%v: %q, want %q", c.cpus, got, c.want)
		}
	}
}

// Streams and threads that nobody counts are as many as there are CPUs to pin to.
func TestPinDefaults(t *testing.T) {
	cpus := ownCPUs(t)
	for _, o := range []Options{{Pin: cpus[:1]}, {Pin: cpus[:1], Tuning: &Tuning{Streams: 7}}, {Pin: cpus[:1], Streams: 1}} {
		if got := o.withDefaults(); got.Streams != 1 || got.Threads != 1 {
			t.Errorf("%+v: %d streams, %d threads, want one of each", o, got.Streams, got.Threads)
		}
	}
}

// Streams run on their CPUs, each on one, and leave the threads of the callers as
// they were; what they compute is the same.
func TestPinnedStreams(t *testing.T) {
	cpus, in := twoOf(t), images(t, 64, 5)
	free := newTiny(t, Options{Mode: Throughput, Streams: 2})
	defer free.Close()
	want, err := free.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	p := newTiny(t, Options{Mode: Throughput, Pin: cpus})
	defer p.Close()
	home := affinities(t)[unix.Gettid()]
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 2 {
		callers.Go(func() {
			for {
				out, err := p.Run(t.Context(), in)
				if err != nil {
					t.Error(err)
					return
				}
				if msg := compare(out[0], want[0], 1e-5); msg != "" { // as TestBatches
					t.Errorf("pinned: %s", msg)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	seen := map[int]bool{}
	for !seen[cpus[0]] || !seen[cpus[1]] {
		for cpu, threads := range pinnedTo(t) {
			if seen[cpu] = true; cpu != cpus[0] && cpu != cpus[1] {
				t.Errorf("%d threads on CPU %d, pinned to %v", threads, cpu, cpus)
			}
		}
		if t.Failed() {
			break
		}
	}
	close(stop)
	callers.Wait()
	for tid, set := range affinities(t) {
		if set != home {
			t.Errorf("thread %d may run on %x after the runs, at first on %x", tid, set, home)
		}
	}
}

// The team goes where the predictor wants it whose turn it is.
func TestPinnedTeam(t *testing.T) {
	cpus, in := twoOf(t), images(t, 1, 5)
	home := affinities(t)[unix.Gettid()]
	free := newTiny(t, Options{Mode: Latency, Threads: 2})
	defer free.Close()
	open := func(cpu int) *Predictor {
		p := newTiny(t, Options{Mode: Latency, Pin: []int{cpu}})
		t.Cleanup(func() { p.Close() })
		return p
	}
	first, second := open(cpus[0]), open(cpus[1])
	var want []*model.Tensor
	for i, step := range []struct {
		p  *Predictor
		on int // -1 is nowhere
	}{{free, -1}, {first, cpus[0]}, {second, cpus[1]}, {second, cpus[1]}, {free, -1}, {first, cpus[0]}} {
		out, err := step.p.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = out
		}
		if msg := compare(out[0], want[0], 1e-5); msg != "" { // as TestBatches
			t.Errorf("run %d: %s", i, msg)
		}
		for _, cpu := range cpus {
			if n := pinnedTo(t)[cpu]; n > 0 != (cpu == step.on) {
				t.Errorf("run %d on CPU %d: %d threads are on CPU %d", i, step.on, n, cpu)
			}
		}
	}
	if now := affinities(t)[unix.Gettid()]; now != home {
		t.Errorf("the caller's thread may run on %x, at first on %x", now, home)
	}
}
