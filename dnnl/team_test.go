//go:build cgo

package dnnl_test

import (
	"sync"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

func (k *kit) teamStream(team *dnnl.Team, threads int) *dnnl.Stream {
	k.Helper()
	return must(k, func() (*dnnl.Stream, error) { return team.NewStream(k.engine, threads) })
}

func TestTeamRunsChains(t *testing.T) {
	k := open(t)
	team := must(k, dnnl.NewTeam)
	for _, threads := range []int{1, 2, 3} {
		s := k.teamStream(team, threads)
		c := doubling(k, 5, 3)
		src, dst := []float32{1, -2, 3}, make([]float32, 3)
		if err := c.Run(s, pointers(src, dst)); err != nil {
			t.Fatal(err)
		}
		same(t, dst, []float32{32, -64, 96})
		ns := make([]int64, c.Len())
		if err := c.RunTimed(s, pointers(dst, src), ns); err != nil {
			t.Fatal(err)
		}
		same(t, src, []float32{1024, -2048, 3072})
		for i, n := range ns {
			if n <= 0 {
				t.Errorf("%d threads: step %d took %d ns", threads, i, n)
			}
		}
	}
}

// Chains of several goroutines take turns on a team.
func TestTeamIsShared(t *testing.T) {
	k := open(t)
	team := must(k, dnnl.NewTeam)
	var all sync.WaitGroup
	for i := range 8 {
		s, c := k.teamStream(team, 1+i%2), doubling(k, 3, 4)
		all.Go(func() {
			src, dst := []float32{1, 2, 3, float32(i)}, make([]float32, 4)
			for range 100 {
				if err := c.Run(s, pointers(src, dst)); err != nil {
					t.Error(err)
					return
				}
			}
			if dst[3] != 8*float32(i) {
				t.Errorf("chain %d: %v", i, dst)
			}
		})
	}
	all.Wait()
}

func TestTeamDoesNotAllocate(t *testing.T) {
	k := open(t)
	s, c := k.teamStream(must(k, dnnl.NewTeam), 1), doubling(k, 3, 8)
	ptrs := pointers(make([]float32, 8), make([]float32, 8))
	if n := testing.AllocsPerRun(200, func() {
		if err := c.Run(s, ptrs); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Run allocates %g times", n)
	}
}

func TestTeamErrors(t *testing.T) {
	k := open(t)
	team := must(k, dnnl.NewTeam)
	_, err := team.NewStream(k.engine, 0)
	expect(t, "no threads", err, dnnl.ErrInvalidArguments)
	_, err = team.NewStream(nil, 1)
	expect(t, "no engine", err, dnnl.ErrInvalidArguments)

	_, err = dnnl.NewStreamThreads(k.engine, 0)
	expect(t, "no threads", err, dnnl.ErrInvalidArguments)
	s := k.teamStream(team, 1)
	p, d := k.relu(4)
	err = p.Execute(s, dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: k.memory(d)}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: k.memory(d)})
	expect(t, "a primitive on a team", err, dnnl.ErrInvalidArguments)

	// A closed team lives on in its streams.
	team.Close()
	_, err = team.NewStream(k.engine, 1)
	expect(t, "closed team", err, dnnl.ErrClosed)
	src, dst := []float32{1, 2}, make([]float32, 2)
	if err := doubling(k, 1, 2).Run(s, pointers(src, dst)); err != nil {
		t.Fatal(err)
	}
	same(t, dst, []float32{2, 4})
}

func TestChainRunsRepeatedly(t *testing.T) {
	k := open(t)
	team := must(k, dnnl.NewTeam)
	c := doubling(k, 2, 3)
	for name, s := range map[string]*dnnl.Stream{"caller": k.stream, "one thread": must(k, func() (*dnnl.Stream, error) { return dnnl.NewStreamThreads(k.engine, 1) }), "team": k.teamStream(team, 1)} {
		src, dst, ns := []float32{1, -2, 3}, make([]float32, 3), make([]int64, 7)
		if err := c.RunRepeatedly(s, pointers(src, dst), ns); err != nil {
			t.Fatal(err)
		}
		same(t, dst, []float32{4, -8, 12})
		for i, n := range ns {
			if n <= 0 {
				t.Errorf("%s: run %d took %d ns", name, i, n)
			}
		}
		expect(t, name+", no times", c.RunRepeatedly(s, pointers(src, dst), nil), dnnl.ErrInvalidArguments)
	}
}
