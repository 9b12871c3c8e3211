// Ratios measures how much faster INT8 is than FP32 and fails where it falls
// short of what Octet promises:
//
//   - on this CPU as it is, ResNet-50 at a large batch: 3.0 (with VNNI);
//   - with oneDNN held to AVX-512 without VNNI, as on the Skylake of Paddle
//     1.3's announcement, at least that announcement's ratios: 1.66 (ResNet-50)
//     and 1.98 (MobileNet-V1) at batch 512, 1.55 and 1.32 at batch 1.
//
// oneDNN reads its cap once a process, so the second part runs in a child
// process of the same program.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// A promise is a ratio to reach.
type promise struct {
	model string
	batch int
	least float64
}

var (
	native = []promise{{"resnet50", 64, 3.0}}
	capped = []promise{{"resnet50", 512, 1.66}, {"mobilenet_v1", 512, 1.98}, {"resnet50", 1, 1.55}, {"mobilenet_v1", 1, 1.32}}
)

const (
	isaVariable = "ONEDNN_MAX_CPU_ISA"
	isaCap      = "AVX512_CORE"
)

// report is what the child process tells.
type report struct {
	Machine bench.Machine
	Rows    []bench.Row
}

func main() {
	child := flag.Bool("child", false, "measure the capped ratios and print them as JSON")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *child {
		err = runChild(ctx)
	} else {
		err = run(ctx, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer) error {
	if os.Getenv(isaVariable) != "" {
		return fmt.Errorf("%s is set; unset it, for the first part needs the CPU as it is", isaVariable)
	}
	rows, err := measure(ctx, native)
	if err != nil {
		return err
	}
	short := check(w, report{bench.ThisMachine(), rows}, native)
	r, err := startChild(ctx)
	if err != nil {
		return err
	}
	if r.Machine.ISA != dnnl.ISAAVX512Core.String() {
		return fmt.Errorf("with %s=%s oneDNN uses %s: this CPU cannot show the AVX-512 ratios", isaVariable, isaCap, r.Machine.ISA)
	}
	short = append(short, check(w, r, capped)...)
	if len(short) > 0 {
		return errors.New("too slow: " + strings.Join(short, "; "))
	}
	fmt.Fprintln(w, "ratios: all reached")
	return nil
}

// check prints the figures and returns the promises that are not kept.
func check(w io.Writer, r report, promises []promise) (short []string) {
	fmt.Fprintln(w, r.Machine)
	for i, p := range promises {
		row := r.Rows[i]
		verdict := "reached"
		if !(row.Ratio >= p.least) {
			verdict = "FALLS SHORT"
			short = append(short, fmt.Sprintf("%s batch %d on %s: %.2f, want %.2f (other load %.2f CPUs)", p.model, p.batch, r.Machine.ISA, row.Ratio, p.least, row.OtherLoad))
		}
		fmt.Fprintf(w, "  %-12s batch %3d: FP32 %7.1f img/s, INT8 %7.1f img/s, ratio %.2f, want %.2f: %s (other load %.2f CPUs)\n",
			p.model, p.batch, row.FP32, row.INT8, row.Ratio, p.least, verdict, row.OtherLoad)
	}
	return short
}

func startChild(ctx context.Context) (report, error) {
	var r report
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	c := exec.CommandContext(ctx, self, "-child")
	c.Env = append(os.Environ(), isaVariable+"="+isaCap)
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return r, fmt.Errorf("measuring with %s=%s: %w", isaVariable, isaCap, err)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("measuring with %s=%s: %w", isaVariable, isaCap, err)
	}
	if len(r.Rows) != len(capped) {
		return r, fmt.Errorf("measuring with %s=%s: %d figures, want %d", isaVariable, isaCap, len(r.Rows), len(capped))
	}
	return r, nil
}

func runChild(ctx context.Context) error {
	rows, err := measure(ctx, capped)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report{bench.ThisMachine(), rows})
}

// measure takes the promises model by model, so that one pair exists at a time.
func measure(ctx context.Context, promises []promise) ([]bench.Row, error) {
	rows := make([]bench.Row, len(promises))
	for _, name := range []string{"resnet50", "mobilenet_v1"} {
		var pair *bench.Pair
		for i, p := range promises {
			if p.model != name {
				continue
			}
			if pair == nil {
				var err error
				if pair, err = bench.NewPair(ctx, name, build(name), infer.Options{}); err != nil {
					return nil, err
				}
			}
			var err error
			if rows[i], err = bench.Measure(ctx, pair, p.batch, windows(p.batch)); err != nil {
				return nil, errors.Join(err, pair.Close())
			}
		}
		if pair != nil {
			if err := pair.Close(); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// windows measures single runs of the largest batch, which take many seconds
// each, and many short windows of a single image, whose speed other processes
// disturb most.
func windows(batch int) bench.Options {
	if batch == 1 {
		return bench.Options{MinTime: 10 * time.Second, Windows: 20}
	}
	return bench.Options{MinTime: time.Second, Windows: 2}
}

func build(name string) *model.Model {
	if name == "resnet50" {
		return nets.ResNet50(1)
	}
	return nets.MobileNetV1(1)
}
