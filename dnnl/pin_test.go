//go:build cgo && linux

package dnnl_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/octet-dnn/octet/dnnl"
)

// affinity returns where a thread may run; 0 is the calling one.
func affinity(t testing.TB, tid int) (set unix.CPUSet) {
	t.Helper()
	if err := unix.SchedGetaffinity(tid, &set); err != nil {
		t.Fatal(err)
	}
	return set
}

func only(cpus ...int) (set unix.CPUSet) {
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	return set
}

// twoCPUs returns two that this process may use.
func twoCPUs(t testing.TB) (cpus [2]int) {
	t.Helper()
	home := affinity(t, 0)
	if home.Count() < 2 {
		t.Skip("SKIP-NODATA: a thread of this process has one CPU to be on anyway")
	}
	for i, cpu := 0, 0; i < 2; cpu++ {
		if home.IsSet(cpu) {
			cpus[i] = cpu
			i++
		}
	}
	return cpus
}

// lastCPU returns the CPU that a thread is on or was last.
func lastCPU(t testing.TB, tid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/stat", tid))
	if err != nil {
		t.Fatal(err)
	}
	// The command, in brackets, may hold spaces; "processor" is field 39, and field 3 the first behind it.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	cpu, err := strconv.Atoi(fields[39-3])
	if err != nil {
		t.Fatal(err)
	}
	return cpu
}

// threadsOn counts the threads of the process that may run on these CPUs only.
func threadsOn(t testing.TB, want unix.CPUSet) (n int) {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			t.Fatal(err)
		}
		var set unix.CPUSet
		if err := unix.SchedGetaffinity(tid, &set); err == nil && set == want { // an error: it has ended
			n++
		}
	}
	return n
}

// A caller's thread is on the stream's CPU during a run, and free before and after.
func TestPinnedCaller(t *testing.T) {
	k := open(t)
	for _, cpu := range twoCPUs(t) {
		s := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStreamThreads(k.engine, 1) })
		if err := s.Pin(cpu); err != nil {
			t.Fatal(err)
		}
		const width = 1 << 14
		c, src, dst := doubling(k, 3, width), make([]float32, width), make([]float32, width)
		seen := 0
		for runs := 1 << 10; seen == 0; runs *= 2 { // until the watcher has had a CPU meanwhile
			started, ended := make(chan int), make(chan error)
			go func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				home := affinity(t, 0)
				started <- unix.Gettid()
				err := c.RunRepeatedly(s, pointers(src, dst), make([]int64, runs))
				if now := affinity(t, 0); now != home {
					t.Errorf("CPU %d: the thread may run on %x after the run, %x before", cpu, now, home)
				}
				ended <- err
			}()
			tid := <-started
			for going := true; going; {
				select {
				case err := <-ended:
					if err != nil {
						t.Fatal(err)
					}
					going = false
				default:
					before, on, after := affinity(t, tid), lastCPU(t, tid), affinity(t, tid)
					if want := only(cpu); before != want || after != want {
						continue
					}
					if seen++; on != cpu {
						t.Errorf("the thread is on CPU %d, pinned to %d", on, cpu)
					}
				}
			}
		}
	}
}

// The threads of a team go where each stream wants them, all of them.
func TestPinnedTeam(t *testing.T) {
	k := open(t)
	cpus, home := twoCPUs(t), affinity(t, 0)
	team := must(k, dnnl.NewTeam)
	c := doubling(k, 3, 8)
	src, dst := make([]float32, 8), make([]float32, 8)
	for i, step := range []struct {
		threads int
		pin     []int
	}{{2, nil}, {2, cpus[:1]}, {2, cpus[:1]}, {2, nil}, {1, cpus[1:]}, {3, cpus[1:]}, {3, cpus[:1]}, {2, nil}, {3, nil}} {
		s := k.teamStream(team, step.threads)
		if err := s.Pin(step.pin...); err != nil {
			t.Fatal(err)
		}
		if err := c.Run(s, pointers(src, dst)); err != nil {
			t.Fatal(err)
		}
		want := 0
		if len(step.pin) > 0 {
			want = step.threads
			if dnnl.LibraryVersion().Runtime != "omp" {
				want = 1
			}
		}
		got := 0
		for _, cpu := range cpus {
			n := threadsOn(t, only(cpu))
			if got += n; n > 0 && len(step.pin) > 0 && step.pin[0] != cpu {
				t.Errorf("run %d, %d threads on CPUs %v: %d are on CPU %d", i, step.threads, step.pin, n, cpu)
			}
		}
		if got != want {
			t.Errorf("run %d, %d threads on CPUs %v: %d are pinned, want %d", i, step.threads, step.pin, got, want)
		}
	}
	if now := affinity(t, 0); now != home {
		t.Errorf("the caller's thread may run on %x, at first on %x", now, home)
	}
}

func TestPinErrors(t *testing.T) {
	k := open(t)
	one := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStreamThreads(k.engine, 1) })
	two := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStreamThreads(k.engine, 2) })
	gone := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStreamThreads(k.engine, 1) })
	gone.Close()
	expect(t, "negative CPU", one.Pin(0, -1), dnnl.ErrInvalidArguments)
	expect(t, "a CPU beyond the set", one.Pin(1024), dnnl.ErrInvalidArguments)
	expect(t, "two threads of the caller's", two.Pin(0), dnnl.ErrInvalidArguments)
	expect(t, "any number of threads", k.stream.Pin(0), dnnl.ErrInvalidArguments)
	expect(t, "closed stream", gone.Pin(0), dnnl.ErrClosed)

	const absent = 1023
	if home := affinity(t, 0); home.IsSet(absent) {
		t.Skip("SKIP-NODATA: there is no CPU that this process may not use")
	}
	c, src, dst := doubling(k, 1, 2), []float32{1, 2}, make([]float32, 2)
	for name, s := range map[string]*dnnl.Stream{"caller": one, "team": k.teamStream(must(k, dnnl.NewTeam), 2)} {
		if err := s.Pin(absent); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := c.Run(s, pointers(src, dst)); err == nil || !strings.Contains(err.Error(), "refuses the CPUs") {
				t.Errorf("%s on an absent CPU: %v, want an error that says so", name, err)
			}
		}
		if err := s.Pin(); err != nil {
			t.Fatal(err)
		}
		if err := c.Run(s, pointers(src, dst)); err != nil {
			t.Errorf("%s that is free again: %v", name, err)
		}
		same(t, dst, []float32{2, 4})
	}
}

func TestPinnedRunDoesNotAllocate(t *testing.T) {
	k := open(t)
	cpu := twoCPUs(t)[0]
	for name, s := range map[string]*dnnl.Stream{
		"caller": must(k, func() (*dnnl.Stream, error) { return dnnl.NewStreamThreads(k.engine, 1) }),
		"team":   k.teamStream(must(k, dnnl.NewTeam), 1),
	} {
		if err := s.Pin(cpu); err != nil {
			t.Fatal(err)
		}
		c, ptrs := doubling(k, 3, 8), pointers(make([]float32, 8), make([]float32, 8))
		if n := testing.AllocsPerRun(200, func() {
			if err := c.Run(s, ptrs); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: Run allocates %g times", name, n)
		}
	}
}
