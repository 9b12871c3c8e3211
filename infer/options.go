package infer

import (
	"fmt"
	"log/slog"
	"slices"
)

// Options tune a predictor. The zero value suits a machine of one's own.
type Options struct {
	// Mode says which requests the streams take and which all threads together.
	Mode Mode
	// Streams is the number of one-thread streams that share a batch; 0 means
	// CPULimit. Mode Latency leaves them idle.
	Streams int
	// Threads is the number of OpenMP threads that work together on a request
	// too small to fill the streams, when nothing else runs; 0 means CPULimit, 1
	// switches that off. Threads that work together wait for each other at every
	// layer, which on a machine shared with other busy processes is slower than
	// one thread; a predictor notices and goes back to one.
	Threads int
	// Pin names logical CPUs, as the system counts them, to compute on; nil leaves
	// the choice to the system. Stream i computes on Pin[i], and the threads that
	// work together share the first Threads of Pin. Streams and Threads may not be
	// more than Pin has, and are no more where they are left zero. The OS thread of
	// a caller goes to its CPU for each call into C, which is a run of a micro-batch
	// as a rule, and may then go wherever it might before. The one team that all
	// predictors of the process share goes where the predictor wants it whose turn it is.
	// Compiling, packing and what a plan does in Go are not pinned. A run fails if the
	// process may no longer use its CPUs. Linux only.
	//
	// It is for machines that predictors or other processes share; on one of its own
	// the system chooses as well, see docs/performance.md.
	Pin []int
	// MicroBatch is the largest number of images a stream takes from a batch at
	// once; 0 means 8, from where on the weights are read seldom enough.
	MicroBatch int
	// CacheBytes bounds what a layer reads and writes in one go: layers whose
	// values for a whole micro-batch are larger are run for fewer images at once.
	// 0 means four times the second-level cache of a core: measured with 2 MiB,
	// the throughput of INT8 and FP32 networks is flat between twice and four times.
	CacheBytes int
	// Tuning fills what is left zero of Streams, MicroBatch, CacheBytes and
	// Kernels. Nil means the defaults given here.
	Tuning *Tuning
	// Kernels says which of oneDNN's implementations convolutions use, where it
	// knows better than oneDNN. Nil leaves the choice to oneDNN.
	Kernels *KernelTable
	// LearnKernels has Kernels learn what it does not know, while plans compile:
	// some milliseconds for every convolution.
	LearnKernels bool
	// Pixels has the predictor take the pictures of a network that was calibrated with
	// calibrate.Options.Pixels as UInt8 pixels, in that order: a quarter of the memory, and
	// nothing to convert. The answers are those for the FP32 input made of these pixels.
	Pixels PixelOrder
	// RefKernels says whether layers may run on slow reference kernels.
	RefKernels RefKernels
	// PackedCache is a folder for the packed weights, "" for none. The first
	// predictor of a model writes them there, later ones, of other processes too,
	// map the file instead of packing: they load faster, above all models loaded
	// with model.WithLazyParams, whose parameters are not read then, and share the
	// memory. A file serves one version of the model's files, one oneDNN and one
	// instruction set; those used longest ago go when a folder has 4 GiB of them.
	// Damaged files are told to Logger and written anew. Whoever can write in
	// the folder can change what the network computes; files that others than
	// the user and root may write are not used.
	PackedCache string
	// ShapeBytes bounds what is kept for the shapes of inputs that have been seen:
	// compiled plans, and shapes and buffers of runs. When there is more, what was
	// used longest ago goes, and is made anew if that shape comes again: some
	// hundredths of a second for a plan. Estimated, since oneDNN does not tell the
	// size of its code; beside it there are the packed weights, and for every stream
	// an arena for the largest of the plans kept. 0 means 256 MiB, which is some ten
	// image sizes of a network like ResNet-50 with all their micro-batches.
	ShapeBytes int
	// Logger gets one line for each plan with slow reference kernels and one for
	// each plan compiled (debug). Nil means silence.
	Logger *slog.Logger

	// watch serves calibration, see NewRunner.
	watch []string
}

func (o Options) check() error {
	if err := o.Mode.check(); err != nil {
		return err
	}
	if err := o.RefKernels.check(); err != nil {
		return err
	}
	if err := o.Pixels.check(); err != nil {
		return err
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"Streams", o.Streams}, {"Threads", o.Threads}, {"MicroBatch", o.MicroBatch}} {
		if f.value < 0 || f.value > 4096 {
			return fmt.Errorf("infer: option %s is %d: want 0 … 4096", f.name, f.value)
		}
	}
	if o.CacheBytes < 0 {
		return fmt.Errorf("infer: option CacheBytes is %d: want 0 or more", o.CacheBytes)
	}
	if o.ShapeBytes < 0 {
		return fmt.Errorf("infer: option ShapeBytes is %d: want 0 or more", o.ShapeBytes)
	}
	return o.checkPin()
}

func (o Options) withDefaults() Options {
	o = o.tuned()
	o.Pin = slices.Clone(o.Pin)
	cpus := CPULimit()
	if n := len(o.Pin); n > 0 {
		cpus = min(cpus, n)
		o.Streams = min(o.Streams, n) // a tuning knows nothing of it
	}
	if o.Streams == 0 {
		o.Streams = cpus
	}
	if o.Threads == 0 {
		o.Threads = cpus
	}
	if o.MicroBatch == 0 {
		o.MicroBatch = 8
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 4 * ownCache()
	}
	if o.ShapeBytes == 0 {
		o.ShapeBytes = shelfDefault
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
