package infer

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/octet-dnn/octet/dnnl"
)

// A job makes one primitive of a plan: oneDNN writes machine code for it, which
// takes about a millisecond, and then its weights are packed as it wants them.
// Lowering only collects jobs, so that several CPUs can work on them.
type job struct {
	spec        creator
	layer, kind string
	threads     int // of OpenMP that will run the primitive
	// pack, unless nil, fills in the weights of the primitive.
	pack func(p *dnnl.Primitive, by *packer) error

	prim *dnnl.Primitive
	err  error
}

// creator is what all primitive specs of dnnl have in common.
type creator interface {
	New(*dnnl.Engine) (*dnnl.Primitive, error)
}

// runJobs runs jobs on so many OS threads. oneDNN blocks the work of a
// primitive for the number of OpenMP threads of the OS thread that creates it.
func runJobs(e *dnnl.Engine, jobs []*job, workers int) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, len(jobs)) {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			by := &packer{engine: e}
			defer by.Close()
			for i := int(next.Add(1)) - 1; i < len(jobs); i = int(next.Add(1)) - 1 {
				jobs[i].run(by)
			}
		})
	}
	wg.Wait()
}

func (j *job) run(by *packer) {
	dnnl.SetNumThreads(j.threads)
	j.prim, j.err = j.spec.New(by.engine)
	if j.err == nil && j.pack != nil {
		dnnl.SetNumThreads(1) // the other CPUs have jobs of their own
		j.err = j.pack(j.prim, by)
	}
	if j.err != nil {
		j.err = fmt.Errorf("%s %q: %w", j.kind, j.layer, j.err)
	}
}

// make runs the jobs of all stages and completes the steps that wait for them.
func (lw *lowering) make(stages []*stage) error {
	workers := CPULimit()
	if lw.choose.learns() {
		workers = 1 // what else runs would be measured too
	}
	runJobs(lw.engine, lw.jobs, workers)
	var err error
	for _, j := range lw.jobs {
		if j.prim != nil {
			lw.own = append(lw.own, j.prim)
		}
		if err == nil {
			err = j.err
		}
	}
	if err != nil {
		return err
	}
	for _, st := range stages {
		for i := range st.steps {
			if s := &st.steps[i]; s.job != nil {
				s.complete(i, st.images)
			}
		}
	}
	return nil
}

// complete gives step i of a stage its primitive, and scratch memory if that
// needs some.
func (s *step) complete(i, images int) {
	s.prim, s.job = s.job.prim, nil
	if d := s.prim.Desc(dnnl.ArgScratchpad); d.Size() > 0 {
		st := &storage{size: d.Size(), images: images, first: i, last: i}
		s.args = append(s.args, arg{dnnl.ArgScratchpad, &tensor{desc: d, store: st}})
	}
}
