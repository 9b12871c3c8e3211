// Ratios measures how much faster INT8 is than FP32 and fails where it falls
// short of what Octet promises:
//
//   - on this CPU as it is, ResNet-50 at a large batch: 3.0 (with VNNI);
//   - with oneDNN held to AVX-512 without VNNI, as on the Skylake of Paddle
//     1.3's announcement, more than that announcement's ratios (1.66 for
//     ResNet-50 and 1.98 for MobileNet-V1 at batch 512, 1.55 and 1.32 at batch
//     1): 1.95 and 1.90 at batch 512, 1.90 and 1.85 at batch 1.
//
// Beside each ratio stands how much faster the same instructions multiply large
// matrices in INT8, at most and measured in the same process: a network whose
// FP32 kernels are good cannot gain much more than that.
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
	"os"
	"os/exec"
	"time"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/gate"
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
	capped = []promise{{"resnet50", 512, 1.95}, {"mobilenet_v1", 512, 1.90}, {"resnet50", 1, 1.90}, {"mobilenet_v1", 1, 1.85}}
)

const (
	isaVariable = "ONEDNN_MAX_CPU_ISA"
	isaCap      = "AVX512_CORE"
)

// report is what the child process tells.
type report struct {
	Machine bench.Machine
	Rows    []bench.Row
	Matmul  bench.Stat // INT8/FP32
}

func main() {
	child := flag.Bool("child", false, "measure the capped ratios and print them as JSON")
	flag.Parse()
	if !*child {
		gate.Main("ratios", run)
	}
	r, err := measure(context.Background(), capped)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, g *gate.Gate) error {
	if os.Getenv(isaVariable) != "" {
		return fmt.Errorf("%s is set; unset it, for the first part needs the CPU as it is", isaVariable)
	}
	r, err := measure(ctx, native)
	if err != nil {
		return err
	}
	r.check(g, native)
	if r, err = startChild(ctx); err != nil {
		return err
	}
	if r.Machine.ISA != dnnl.ISAAVX512Core.String() {
		return fmt.Errorf("with %s=%s oneDNN uses %s: this CPU cannot show the AVX-512 ratios", isaVariable, isaCap, r.Machine.ISA)
	}
	r.check(g, capped)
	return nil
}

func (r report) check(g *gate.Gate, promises []promise) {
	for i, p := range promises {
		row := r.Rows[i]
		g.AtLeast(fmt.Sprintf("%s batch %d on %s", p.model, p.batch, r.Machine.ISA), row.Ratio, p.least, "",
			fmt.Sprintf("FP32 %.1f img/s, INT8 %.1f; matmul %.2f, at most %.2f; other load %.2f CPUs",
				row.FP32, row.INT8, r.Matmul.Median, r.Matmul.Max, row.OtherLoad))
	}
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

// measure takes the promises model by model, so that one pair exists at a time.
func measure(ctx context.Context, promises []promise) (r report, err error) {
	r = report{Machine: bench.ThisMachine(), Rows: make([]bench.Row, len(promises))}
	if r.Matmul, err = bench.MatmulRatio(ctx, 40); err != nil {
		return r, err
	}
	for _, name := range []string{"resnet50", "mobilenet_v1"} {
		if err := measureModel(ctx, name, promises, r.Rows); err != nil {
			return r, err
		}
	}
	return r, nil
}

// measureModel fills the rows of one model.
func measureModel(ctx context.Context, name string, promises []promise, rows []bench.Row) (err error) {
	var pair *bench.Pair
	defer func() {
		if pair != nil {
			err = errors.Join(err, pair.Close())
		}
	}()
	for i, p := range promises {
		if p.model != name {
			continue
		}
		if pair == nil {
			if pair, err = bench.NewPair(ctx, name, build(name), infer.Options{}); err != nil {
				return err
			}
		}
		if rows[i], err = bench.Measure(ctx, pair, p.batch, windows(p.batch)); err != nil {
			return err
		}
	}
	return nil
}

// windows measures single runs of the largest batch, which take many seconds
// each, and many short windows of a single image, whose speed other processes
// disturb most.
func windows(batch int) bench.Options {
	switch {
	case batch == 1:
		return bench.Options{MinTime: 8 * time.Second, Windows: 80}
	case batch < 512:
		return bench.Options{MinTime: time.Second, Windows: 7}
	}
	return bench.Options{MinTime: time.Second, Windows: 2}
}

func build(name string) *model.Model {
	if name == "resnet50" {
		return nets.ResNet50(1)
	}
	return nets.MobileNetV1(1)
}
