// Octet calibrates Paddle FP32 classifiers to INT8 and runs both with oneDNN.
//
//	octet demo                                       everything, on the models that ship with Octet
//	octet calibrate MODEL -o OUT --data DIR          FP32 model to INT8 model
//	octet quantize MODEL --table TABLE -o OUT        the same from a calibration table
//	octet merge TABLE... -o OUT                      tables of parts of the pictures to one
//	octet eval --fp32 MODEL --int8 OUT --data DIR    accuracy of both
//	octet run MODEL IMAGE...                         classes of pictures
//	octet inspect MODEL                              what a model is made of
//	octet report FP32 INT8 -o FILE --data DIR        one HTML file about an INT8 model
//	octet convert MODEL OUT --to ENCODING            the files of another Paddle
//	octet bench                                      throughput of both precisions
//	octet doctor                                     what this machine can do
//
// Results go to standard output, everything else to standard error. It exits
// with 0 when all went well, 1 after a failure, 2 for bad input or usage, 3 if
// the machine or its oneDNN is at fault, 130 if interrupted.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// Without this a closed pipe kills the process in the middle of its work;
	// so it is an error of writing, see output.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := interruptible(context.Background(), os.Exit)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	a := &app{out: &output{w: stdout}, err: stderr}
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = a.out.failure()
	}
	if err != nil {
		fmt.Fprintf(stderr, "octet: %s\n", message(ctx, err))
	}
	return exitCode(ctx, err)
}

// interruptible returns a context that the first signal to end cancels; the
// second one exits at once. Signals that the parent had ignored (nohup, jobs in
// the background) stay so.
func interruptible(parent context.Context, exit func(int)) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
			return
		}
		cancel()
		<-signals
		exit(exitInterrupted)
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}
